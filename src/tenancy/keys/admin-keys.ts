import { type Failure, isFailure } from '../../domain/failure.ts'
import type { EpochMs } from '../../domain/time.ts'
import { lockRow } from '../../store/lock-row.ts'
import type { Context } from '../context.ts'
import { type Page, type PageRequest, readPage } from '../page.ts'
import type { AdminKeyRecord } from '../records.ts'
import type { Operator, Write } from '../write.ts'
import {
  readAdminKey,
  readAdminKeyPage,
  readAdminKeys,
  readStoredAdminKeys,
  revokeAdminKeyRow,
  updateAdminKeyDigest,
  upsertAdminKey,
} from './admin-keys.sql.ts'
import { isCredential } from './credentials.sql.ts'
import { credentialOf, makeValue, valueTaken } from './credentials.ts'
import { digestCredential, digestFileEntry } from './digest.ts'

/** A key with its value, which is given here and never again; null where the caller brought it. */
export interface MintedAdminKey extends AdminKeyRecord {
  readonly value: string | null
}

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
  /** Live keys, oldest first. */
  pageAdminKeys(request: PageRequest): Promise<Page<AdminKeyRecord> | Failure>
  /** As `createAdminKey`, under a name that no live key has; a value of null is made here. */
  mintAdminKey(
    operator: Operator,
    wish: { readonly name: string; readonly value: string | null },
  ): Promise<MintedAdminKey | Failure>
  /** Puts another value in the place of the old one, which is dead when this has answered. */
  rotateAdminKey(operator: Operator, id: string, value: string | null): Promise<MintedAdminKey | Failure>
  /** Never the last one that lives: management would be closed to everybody. */
  revokeAdminKey(actor: string, id: string): Promise<AdminKeyRecord | Failure>
}

const noKey: Failure = { failure: 'not_found', what: 'admin_key' }
const lastKey: Failure = {
  failure: 'conflict',
  message: 'This is the last admin key. Make another before you revoke it.',
}

const conflicts = {
  'admin_keys(digest)': {
    failure: 'invalid',
    message: 'security.admin_keys: a value is that of two admin keys',
  },
} as const

export function adminKeysOf({ read, write, keyring, newUlid, random }: Context): AdminKeys {
  const credential = (given: string | null) => credentialOf({ keyring, random }, 'tga_', given)

  return {
    async createAdminKey(actor, name) {
      const value = makeValue(random, 'tga_')
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

    pageAdminKeys({ limit, cursor }) {
      return readPage(
        keyring,
        ['admin keys'],
        { limit, cursor },
        (after) => readAdminKeyPage(read, { limit, after }),
        (key) => key,
      )
    },

    mintAdminKey({ actor }, { name, value }) {
      return write<MintedAdminKey>({ workspaceId: null, actor }, async (it) => {
        await oneAtATime(it)
        const live = await readAdminKeys(it.transaction)
        if (live.some((key) => key.name === name))
          return { failure: 'conflict', message: 'name: taken by another admin key' }
        const { made, digest } = credential(value)
        if (await isCredential(it.transaction, digest)) return valueTaken
        const { revision, at } = await it.begin()
        const id = `ak_${newUlid(at)}`
        const row = { id, name, digest, created_at: at, revoked_at: null, revision, config_hash: null }
        await upsertAdminKey(it.transaction, row)
        await it.audit('ADMIN_KEY_CREATED', id, { name })
        return { id, name, isInFile: false, createdAt: at, value: made }
      })
    },

    rotateAdminKey({ actor }, id, value) {
      return write<MintedAdminKey>({ workspaceId: null, actor }, async (it) => {
        await oneAtATime(it)
        const key = await readAdminKey(it.transaction, id)
        if (key === null) return noKey
        const { made, digest } = credential(value)
        if (await isCredential(it.transaction, digest)) return valueTaken
        const { revision } = await it.begin()
        await updateAdminKeyDigest(it.transaction, id, digest, revision)
        await it.audit('ADMIN_KEY_ROTATED', id, { name: key.name })
        return { ...key, value: made }
      })
    },

    revokeAdminKey(actor, id) {
      return write<AdminKeyRecord>({ workspaceId: null, actor }, async (it) => {
        await oneAtATime(it)
        const key = await readAdminKey(it.transaction, id)
        if (key === null) return noKey
        if ((await readAdminKeys(it.transaction)).length === 1) return lastKey
        const { revision, at } = await it.begin()
        await revokeAdminKeyRow(it.transaction, id, at, revision)
        await it.audit('ADMIN_KEY_REVOKED', id, { name: key.name })
        return key
      })
    },
  }
}

/** Admin keys belong to no row that could be locked, and two revocations at once must not each spare the other's key. */
async function oneAtATime({ transaction, kind }: Write): Promise<void> {
  await lockRow(transaction, kind, 'installation', 1)
}
