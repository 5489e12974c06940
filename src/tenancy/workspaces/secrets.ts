import type { Failure } from '../../domain/failure.ts'
import type { Context } from '../context.ts'
import { readLiveEndpoints } from '../groups/endpoints.sql.ts'
import { type Page, type PageRequest, readPage } from '../page.ts'
import type { SecretRecord } from '../records.ts'
import { secretStillNamed } from '../rules/still-named.ts'
import { seal } from '../sealing/sealing.ts'
import type { Operator } from '../write.ts'
import { burySecret, readSecret, readSecretPage, writeSecret } from './secrets.sql.ts'
import { workspaceWriter } from './workspace-records.ts'
import { secretPlace } from './workspaces.sql.ts'

/** Providers' credentials that a workspace's endpoints may name. */
export interface Secrets {
  /** Oldest first. */
  listSecrets(workspaceId: string, request: PageRequest): Promise<Page<SecretRecord> | Failure>
  createSecret(
    operator: Operator,
    workspaceId: string,
    wish: { readonly id: string; readonly value: string },
  ): Promise<SecretRecord | Failure>
  /** Calls carry the new value from the moment this has answered. */
  rotateSecret(
    operator: Operator,
    workspaceId: string,
    id: string,
    value: string,
  ): Promise<SecretRecord | Failure>
  /** Never one that an endpoint names. */
  deleteSecret(operator: Operator, workspaceId: string, id: string): Promise<SecretRecord | Failure>
}

const noSecret: Failure = { failure: 'not_found', what: 'secret' }

const conflicts = {
  'secrets(workspace_id, id)': {
    failure: 'conflict',
    message: 'id: taken by another secret of this workspace',
  },
} as const

export function secretsOf({ read, write, keyring, random }: Context): Secrets {
  const sealed = (workspaceId: string, id: string, value: string) =>
    seal(keyring, random, value, secretPlace(workspaceId, id))
  const change = workspaceWriter(write)

  return {
    listSecrets(workspaceId, { limit, cursor }) {
      return readPage(
        keyring,
        ['secrets', workspaceId],
        { limit, cursor },
        (after) => readSecretPage(read, workspaceId, { limit, after }),
        (secret) => secret,
      )
    },

    createSecret(operator, workspaceId, { id, value }) {
      return change<SecretRecord>(
        operator,
        workspaceId,
        async (it) => {
          if ((await readSecret(it.transaction, workspaceId, id)) !== null)
            return conflicts['secrets(workspace_id, id)']
          const { revision, at } = await it.begin()
          const secret = { id, isInFile: false, createdAt: at, updatedAt: at }
          await writeSecret(it.transaction, workspaceId, secret, sealed(workspaceId, id, value), revision)
          await it.audit('WORKSPACE_SECRET_CREATED', id, { secret_id: id })
          return secret
        },
        conflicts,
      )
    },

    rotateSecret(operator, workspaceId, id, value) {
      return change<SecretRecord>(operator, workspaceId, async (it) => {
        const secret = await readSecret(it.transaction, workspaceId, id)
        if (secret === null) return noSecret
        const { revision, at } = await it.begin()
        const rotated = { ...secret, updatedAt: Math.max(at, secret.updatedAt + 1) }
        await writeSecret(it.transaction, workspaceId, rotated, sealed(workspaceId, id, value), revision)
        await it.audit('WORKSPACE_SECRET_ROTATED', id, { secret_id: id })
        return rotated
      })
    },

    deleteSecret(operator, workspaceId, id) {
      return change<SecretRecord>(operator, workspaceId, async (it) => {
        const secret = await readSecret(it.transaction, workspaceId, id)
        if (secret === null) return noSecret
        const named = secretStillNamed(await readLiveEndpoints(it.transaction, workspaceId), id)
        if (named) return named
        const { revision, at } = await it.begin()
        await burySecret(it.transaction, workspaceId, id, at, revision)
        await it.audit('WORKSPACE_SECRET_DELETED', id, { secret_id: id })
        return secret
      })
    },
  }
}
