import { type Failure, isFailure } from '../../domain/failure.ts'
import type { KeyId, NodeId, WorkspaceId } from '../../domain/ids.ts'
import type { Context } from '../context.ts'
import type { KeyFact } from '../facts.ts'
import { lockLineage } from '../groups/groups.ts'
import { type Page, type PageRequest, readPage } from '../page.ts'
import type { Caller } from '../write.ts'
import { digestCredential } from './digest.ts'
import { insertKey, readKey, readKeyPage, revokeKey } from './keys.sql.ts'
import { randomText } from './random-text.ts'

/** All that is ever shown of a key. */
export interface KeyLabel {
  readonly prefix: string
  readonly name: string | null
}

/** Federated keys of a group that the caller has located; revoked ones are as if they had never been. */
export interface Keys {
  /** Makes a key. `value` is given here and never again: only its digest is kept. */
  mintKey(
    caller: Caller,
    groupId: string,
    name: string | null,
  ): Promise<(KeyLabel & { readonly value: string }) | Failure>
  /** Oldest first. */
  listKeys(workspaceId: WorkspaceId, groupId: string, request: PageRequest): Promise<Page<KeyLabel> | Failure>
  getKey(groupId: string, prefix: string): Promise<KeyLabel | Failure>
  /** For good: the key is refused from the moment this has answered. */
  revokeKey(caller: Caller, groupId: string, prefix: string): Promise<{ readonly prefix: string } | Failure>
}

const noKey: Failure = { failure: 'not_found', what: 'key' }

const prefixLetters = 12
/** At least 256 bits. */
const secretLetters = 43

export function keysOf({ read, write, keyring, newUlid, random }: Context): Keys {
  return {
    mintKey(caller, groupId, name) {
      return write(caller, async (it) => {
        const lineage = await lockLineage(it, caller, groupId)
        if (isFailure(lineage)) return lineage
        const prefix = `sky_${randomText(random, prefixLetters)}`
        const value = `${prefix}.${randomText(random, secretLetters)}`
        const { revision, at } = await it.begin()
        const key: KeyFact = {
          id: `k_${newUlid(at)}` as KeyId,
          workspaceId: caller.workspaceId,
          nodeId: lineage[0].id,
          style: 'federated',
          prefix,
          digest: digestCredential(keyring, value),
          revoked: false,
        }
        await insertKey(it.transaction, key, { name, createdAt: at, revision })
        await it.audit('GATEWAY_API_KEY_CREATED', prefix, {
          gateway_group_id: groupId,
          api_key_prefix: prefix,
          name,
        })
        return { prefix, name, value }
      })
    },

    listKeys(workspaceId, groupId, { limit, cursor }) {
      return readPage(
        keyring,
        ['keys', workspaceId, groupId],
        { limit, cursor },
        (after) => readKeyPage(read, groupId as NodeId, { limit, after }),
        (key) => key,
      )
    },

    async getKey(groupId, prefix) {
      return (await readKey(read, groupId as NodeId, prefix)) ?? noKey
    },

    revokeKey(caller, groupId, prefix) {
      return write(caller, async (it) => {
        const lineage = await lockLineage(it, caller, groupId)
        if (isFailure(lineage)) return lineage
        const key = await readKey(it.transaction, lineage[0].id, prefix)
        if (key === null) return noKey
        const { revision, at } = await it.begin()
        await revokeKey(it.transaction, key.id, at, revision)
        await it.audit('GATEWAY_API_KEY_REVOKED', prefix, {
          gateway_group_id: groupId,
          api_key_prefix: prefix,
        })
        return { prefix }
      })
    },
  }
}
