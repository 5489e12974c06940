import { type Failure, isFailure } from '../domain/failure.ts'
import type { EpochMs } from '../domain/time.ts'
import { readAdminKeys, readStoredAdminKeys, revokeAdminKeyRow, upsertAdminKey } from './admin-keys.sql.ts'
import type { Context } from './context.ts'
import { digestCredential, digestFileEntry } from './digest.ts'
import { randomText } from './random-text.ts'

export interface AdminKeys {
  /** Makes a key of the operator's. `value` is given here and never again. */
  createAdminKey(actor: string, name: string): Promise<{ readonly id: string; readonly value: string }>
  /** Brings the keys that the file names to what it says; a key it does not name any more stays. */
  applyAdminKeys(
    definitions: readonly { readonly name: string; readonly value: string }[],
  ): Promise<Failure | null>
  /** Live keys, oldest first. */
  listAdminKeys(): Promise<
    readonly { readonly id: string; readonly name: string; readonly createdAt: EpochMs }[]
  >
  revokeAdminKey(actor: string, id: string): Promise<Failure | null>
}

const conflicts = {
  'admin_keys(digest)': {
    failure: 'invalid',
    message: 'security.admin_keys: a value is that of two admin keys',
  },
} as const

export function adminKeysOf({ read, write, keyring, newUlid, random }: Context): AdminKeys {
  return {
    async createAdminKey(actor, name) {
      const value = `tga_${randomText(random, 43)}`
      const created = await write({ workspaceId: null, actor }, async (it) => {
        const { revision, at } = await it.begin()
        const id = `ak_${newUlid(at)}`
        const digest = digestCredential(keyring, value).toString('hex')
        const row = { id, name, digest, created_at: at, revoked_at: null, revision, config_hash: null }
        await upsertAdminKey(it.transaction, row)
        await it.audit('ADMIN_KEY_CREATED', id, { name })
        return { id, value }
      })
      if (isFailure(created)) throw new Error('Making an admin key has no checks to fail')
      return created
    },

    async applyAdminKeys(definitions) {
      const outcome = await write(
        { workspaceId: null, actor: 'configuration_file' },
        async (it) => {
          const stored = await readStoredAdminKeys(it.transaction)
          for (const definition of definitions) {
            const config_hash = digestFileEntry(keyring, [definition.value])
            const known = stored.get(definition.name)
            if (known?.hash === config_hash) continue
            const { revision, at } = await it.begin()
            const id = known?.id ?? `ak_${newUlid(at)}`
            const digest = digestCredential(keyring, definition.value).toString('hex')
            const { name } = definition
            const row = { id, name, digest, created_at: at, revoked_at: null, revision, config_hash }
            await upsertAdminKey(it.transaction, row)
            await it.audit('ADMIN_KEY_CONFIGURED', id, { name })
          }
          return true
        },
        conflicts,
      )
      return isFailure(outcome) ? outcome : null
    },

    async listAdminKeys() {
      const rows = await readAdminKeys(read)
      return rows.map(({ id, name, created_at }) => ({ id, name, createdAt: created_at }))
    },

    async revokeAdminKey(actor, id) {
      const outcome = await write({ workspaceId: null, actor }, async (it) => {
        const live = await readAdminKeys(it.transaction)
        if (!live.some((key) => key.id === id)) return { failure: 'not_found', what: 'key' }
        const { revision, at } = await it.begin()
        await revokeAdminKeyRow(it.transaction, id, at, revision)
        await it.audit('ADMIN_KEY_REVOKED', id, {})
        return true
      })
      return isFailure(outcome) ? outcome : null
    },
  }
}
