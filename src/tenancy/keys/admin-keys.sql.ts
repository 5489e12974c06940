import type { Kysely } from 'kysely'
import type { EpochMs } from '../../domain/time.ts'
import type { AdminKeyTable, Schema } from '../../store/schema.ts'
import type { AdminKeyFact } from '../facts.ts'
import { oldestFirst, type PageOf } from '../page.sql.ts'
import type { AdminKeyRecord } from '../records.ts'
import type { Changed } from '../snapshot.ts'

export async function readChangedAdminKeys(
  database: Kysely<Schema>,
  since: number,
): Promise<Changed<AdminKeyFact>[]> {
  const rows = await database.selectFrom('admin_keys').selectAll().where('revision', '>', since).execute()
  return rows.map((row) => ({
    id: row.id,
    fact:
      row.revoked_at === null ? { id: row.id, name: row.name, digest: Buffer.from(row.digest, 'hex') } : null,
  }))
}

/** Live admin keys, oldest first. */
export function readAdminKeys(
  database: Kysely<Schema>,
): Promise<Pick<AdminKeyTable, 'id' | 'name' | 'created_at'>[]> {
  return database
    .selectFrom('admin_keys')
    .select(['id', 'name', 'created_at'])
    .where('revoked_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

/** Live admin keys, oldest first, with one more than asked for where there is one. */
export async function readAdminKeyPage(database: Kysely<Schema>, page: PageOf): Promise<AdminKeyRecord[]> {
  const rows = await oldestFirst(liveKeys(database), page).execute()
  return rows.map(toRecord)
}

/** A live admin key; null where there is none. */
export async function readAdminKey(database: Kysely<Schema>, id: string): Promise<AdminKeyRecord | null> {
  const row = await liveKeys(database).where('id', '=', id).executeTakeFirst()
  return row ? toRecord(row) : null
}

/** Throws a unique violation where the value is an admin key already. What the file wrote is remembered. */
export async function updateAdminKeyDigest(
  database: Kysely<Schema>,
  id: string,
  digest: string,
  revision: number,
): Promise<void> {
  await database.updateTable('admin_keys').set({ digest, revision }).where('id', '=', id).execute()
}

/**
 * The admin keys that the file wrote, live and revoked, by name; and live ones made otherwise, which become the file's
 * once the file names them.
 */
export async function readStoredAdminKeys(
  database: Kysely<Schema>,
): Promise<Map<string, { readonly id: string; readonly hash: string | null }>> {
  const rows = await database
    .selectFrom('admin_keys')
    .select(['id', 'name', 'config_hash'])
    .where(({ eb, or }) => or([eb('config_hash', 'is not', null), eb('revoked_at', 'is', null)]))
    .execute()
  return new Map(
    rows
      .toSorted((a, b) => Number(a.config_hash !== null) - Number(b.config_hash !== null))
      .map(({ name, id, config_hash }) => [name, { id, hash: config_hash }]),
  )
}

/** Writes an admin key as live; throws a unique violation where its value is an admin key already. */
export async function upsertAdminKey(database: Kysely<Schema>, row: AdminKeyTable): Promise<void> {
  const { digest, revoked_at, revision, config_hash } = row
  await database
    .insertInto('admin_keys')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ digest, revoked_at, revision, config_hash }),
    )
    .execute()
}

/** Revokes a live admin key; false where there is none with this id. */
export async function revokeAdminKeyRow(
  database: Kysely<Schema>,
  id: string,
  at: EpochMs,
  revision: number,
): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('admin_keys')
    .set({ revoked_at: at, revision })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

function liveKeys(database: Kysely<Schema>) {
  return database
    .selectFrom('admin_keys')
    .select(['id', 'name', 'created_at', 'config_hash'])
    .where('revoked_at', 'is', null)
}

function toRecord({
  id,
  name,
  created_at,
  config_hash,
}: Pick<AdminKeyTable, 'id' | 'name' | 'created_at' | 'config_hash'>): AdminKeyRecord {
  return { id, name, isInFile: config_hash !== null, createdAt: created_at }
}
