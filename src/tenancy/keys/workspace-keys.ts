import type { Failure } from '../../domain/failure.ts'
import type { Context } from '../context.ts'
import type { WorkspaceKeyType } from '../facts.ts'
import { type Page, type PageRequest, readPage } from '../page.ts'
import type { WorkspaceKeyRecord } from '../records.ts'
import { inTheWay, workspaceWriter } from '../workspaces/workspace-records.ts'
import type { Operator } from '../write.ts'
import { isCredential } from './credentials.sql.ts'
import { credentialOf, valueTaken } from './credentials.ts'
import {
  insertWorkspaceKey,
  isKeyNameTaken,
  readWorkspaceKey,
  readWorkspaceKeyPage,
  revokeWorkspaceKeyRow,
  updateWorkspaceKeyDigest,
} from './workspace-keys.sql.ts'

/** A key with what its holder presents, which is given here and never again; null where the caller brought it. */
export interface MintedWorkspaceKey extends WorkspaceKeyRecord {
  readonly value: string | null
}

/** Keys that manage a workspace. Revoked ones are as if they had never been; their names are free, their values are not. */
export interface WorkspaceKeys {
  /** Oldest first. */
  listWorkspaceKeys(workspaceId: string, request: PageRequest): Promise<Page<WorkspaceKeyRecord> | Failure>
  /** A value of null is made here. */
  mintWorkspaceKey(
    operator: Operator,
    workspaceId: string,
    wish: { readonly name: string; readonly type: WorkspaceKeyType; readonly value: string | null },
  ): Promise<MintedWorkspaceKey | Failure>
  /** Puts another value in the place of the old one, which is dead when this has answered. */
  rotateWorkspaceKey(
    operator: Operator,
    workspaceId: string,
    id: string,
    value: string | null,
  ): Promise<MintedWorkspaceKey | Failure>
  revokeWorkspaceKey(
    operator: Operator,
    workspaceId: string,
    id: string,
  ): Promise<WorkspaceKeyRecord | Failure>
}

const noKey: Failure = { failure: 'not_found', what: 'workspace_key' }

const conflicts = { 'workspace_keys(digest)': valueTaken } as const

export function workspaceKeysOf({ read, write, keyring, newUlid, random }: Context): WorkspaceKeys {
  const credential = (given: string | null) => credentialOf({ keyring, random }, 'tgw_', given)
  const change = workspaceWriter(write)

  return {
    listWorkspaceKeys(workspaceId, { limit, cursor }) {
      return readPage(
        keyring,
        ['workspace keys', workspaceId],
        { limit, cursor },
        (after) => readWorkspaceKeyPage(read, workspaceId, { limit, after }),
        (key) => key,
      )
    },

    mintWorkspaceKey(operator, workspaceId, { name, type, value }) {
      return change<MintedWorkspaceKey>(
        operator,
        workspaceId,
        async (it) => {
          if (await isKeyNameTaken(it.transaction, workspaceId, name))
            return inTheWay('name: taken by another key of this workspace')
          const { made, digest } = credential(value)
          if (await isCredential(it.transaction, digest)) return valueTaken
          const { revision, at } = await it.begin()
          const id = `wk_${newUlid(at)}`
          const key = { id, name, type, isInFile: false, createdAt: at }
          await insertWorkspaceKey(it.transaction, workspaceId, key, digest, revision)
          await it.audit('WORKSPACE_API_KEY_CREATED', id, { workspace_api_key_id: id, name, type })
          return { ...key, value: made }
        },
        conflicts,
      )
    },

    rotateWorkspaceKey(operator, workspaceId, id, value) {
      return change<MintedWorkspaceKey>(
        operator,
        workspaceId,
        async (it) => {
          const key = await readWorkspaceKey(it.transaction, workspaceId, id)
          if (key === null) return noKey
          const { made, digest } = credential(value)
          if (await isCredential(it.transaction, digest)) return valueTaken
          const { revision } = await it.begin()
          await updateWorkspaceKeyDigest(it.transaction, id, digest, revision)
          await it.audit('WORKSPACE_API_KEY_ROTATED', id, { workspace_api_key_id: id, name: key.name })
          return { ...key, value: made }
        },
        conflicts,
      )
    },

    revokeWorkspaceKey(operator, workspaceId, id) {
      return change<WorkspaceKeyRecord>(operator, workspaceId, async (it) => {
        const key = await readWorkspaceKey(it.transaction, workspaceId, id)
        if (key === null) return noKey
        const { revision, at } = await it.begin()
        await revokeWorkspaceKeyRow(it.transaction, id, at, revision)
        await it.audit('WORKSPACE_API_KEY_REVOKED', id, { workspace_api_key_id: id, name: key.name })
        return key
      })
    },
  }
}
