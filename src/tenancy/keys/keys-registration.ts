import { type Failure, isFailure } from '../../domain/failure.ts'
import type { KeyId, WorkspaceId } from '../../domain/ids.ts'
import { lockRow } from '../../store/lock-row.ts'
import type { Context } from '../context.ts'
import type { KeyFact } from '../facts.ts'
import { lockLineage } from '../groups/groups.ts'
import { registeredPrefixLength, registrableKey } from '../rules/registrable-key.ts'
import { registrationPublicKey } from '../rules/registration-public-key.ts'
import type { Snapshot } from '../snapshot.ts'
import { updateRegistrationKey } from '../workspaces/workspaces.sql.ts'
import type { Caller } from '../write.ts'
import { digestCredential } from './digest.ts'
import { insertKey, isPrefixTaken } from './keys.sql.ts'

/** Keys that a lab has issued itself, and the key that it proves so with. */
export interface Registration {
  /**
   * Registers a key of the lab's own with a group, under its first 16 characters, which stay taken in the workspace
   * once it is revoked. Its signature has been verified. Only its digest is kept.
   */
  registerKey(
    caller: Caller,
    groupId: string,
    input: { readonly key: string; readonly name: string | null },
  ): Promise<{ readonly prefix: string } | Failure>
  /**
   * Sets what registrations of a workspace are verified with: 32 bytes in base64, null for none. A configuration file
   * that says otherwise than before overwrites it.
   */
  setRegistrationKey(
    actor: string,
    workspaceId: WorkspaceId,
    publicKey: string | null,
  ): Promise<Failure | null>
}

const prefixTaken = invalid('key: its first 16 characters are those of another key of this workspace')
/** The same for every reason: whose key it is, and what for, is nobody's business. */
const unusable = invalid('key: cannot be registered')

const conflicts = {
  'keys(workspace_id, style, prefix)': prefixTaken,
  'keys(digest)': unusable,
} as const

export function registrationOf({ write, keyring, newUlid }: Context, snapshot: () => Snapshot): Registration {
  return {
    async registerKey(caller, groupId, { key, name }) {
      const broken = registrableKey(key)
      if (broken) return broken
      const digest = digestCredential(keyring, key)
      // A key that manages must not become one that is handed out.
      if (snapshot().findWorkspaceKey(digest) ?? snapshot().findAdminKey(digest)) return unusable
      const prefix = key.slice(0, registeredPrefixLength)
      return write(
        caller,
        async (it) => {
          const lineage = await lockLineage(it, caller, groupId)
          if (isFailure(lineage)) return lineage
          if (await isPrefixTaken(it.transaction, caller.workspaceId, prefix)) return prefixTaken
          const { revision, at } = await it.begin()
          const fact: KeyFact = {
            id: `k_${newUlid(at)}` as KeyId,
            workspaceId: caller.workspaceId,
            nodeId: lineage[0].id,
            style: 'federated',
            prefix,
            digest,
            revoked: false,
          }
          await insertKey(it.transaction, fact, { name, createdAt: at, revision })
          await it.audit('GATEWAY_API_KEY_REGISTERED', prefix, {
            gateway_group_id: groupId,
            api_key_prefix: prefix,
            name,
          })
          return { prefix }
        },
        conflicts,
      )
    },

    async setRegistrationKey(actor, workspaceId, publicKey) {
      const broken = publicKey === null ? null : registrationPublicKey(publicKey)
      if (broken) return broken
      const outcome = await write({ workspaceId, actor }, async (it) => {
        await lockRow(it.transaction, it.kind, 'workspaces', workspaceId)
        if (snapshot().workspace(workspaceId) === null)
          return invalid(`There is no workspace ${workspaceId}.`)
        const { revision } = await it.begin()
        await updateRegistrationKey(it.transaction, workspaceId, publicKey, revision)
        await it.audit('GATEWAY_REGISTRATION_KEY_UPDATED', workspaceId, {
          registration_public_key: publicKey,
        })
        return true
      })
      return isFailure(outcome) ? outcome : null
    },
  }
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
