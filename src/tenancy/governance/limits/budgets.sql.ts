import { type Kysely, sql, type Transaction } from 'kysely'
import type { LimitOverrideTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { OwnerKind } from '../facts.ts'
import { type Paging, readPageOfIds } from '../numbered-page.sql.ts'
import type { Owner } from './owned-limits.ts'

/** Limits of a page, with their owners, oldest first. */
export async function readLimitPage(
  read: Kysely<Schema>,
  table: 'budgets' | 'rate_limits',
  paging: Paging,
): Promise<{
  readonly rows: readonly { readonly id: string; readonly owner: Owner }[]
  readonly total: number
}> {
  const { ids, total } = await readPageOfIds(read.selectFrom(table), paging)
  const owners = new Map<string, Owner>()
  for (const some of batches(ids)) {
    const found = await read
      .selectFrom(table)
      .select(['id', 'owner_kind', 'owner_id'])
      .where('id', 'in', some)
      .execute()
    for (const { id, owner_kind, owner_id } of found) {
      owners.set(id, { kind: owner_kind as OwnerKind, id: owner_id })
    }
  }
  const rows = ids.flatMap((id) => {
    const owner = owners.get(id)
    return owner === undefined ? [] : [{ id, owner }]
  })
  return { rows, total }
}

/** The virtual keys of some provider configs. */
export async function readKeysOfConfigs(
  read: Kysely<Schema>,
  configIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>()
  for (const some of batches(configIds)) {
    const rows = await read
      .selectFrom('provider_configs')
      .select(['id', 'virtual_key_id'])
      .where('id', 'in', some.map(Number))
      .execute()
    for (const { id, virtual_key_id } of rows) keys.set(String(id), virtual_key_id)
  }
  return keys
}

const idsAtOnce = 500

function* batches(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += idsAtOnce) yield ids.slice(at, at + idsAtOnce)
}

/** Who owns a budget; null where there is no such budget. */
export async function readOwner(transaction: Transaction<Schema>, budgetId: string): Promise<Owner | null> {
  const row = await transaction
    .selectFrom('budgets')
    .select(['owner_kind', 'owner_id'])
    .where('id', '=', budgetId)
    .executeTakeFirst()
  return row === undefined ? null : { kind: row.owner_kind as OwnerKind, id: row.owner_id }
}

const ownerTables = {
  customer: ['customers', 'id'],
  team: ['teams', 'id'],
  virtual_key: ['virtual_keys', 'id'],
  model_config: ['model_configs', 'id'],
  provider: ['provider_limits', 'provider'],
} as const

/** Has every instance load an owner again, with its limits. */
export async function touchOwner(
  transaction: Transaction<Schema>,
  { kind, id }: Owner,
  revision: number,
): Promise<void> {
  if (kind === 'provider_config') {
    await transaction
      .updateTable('virtual_keys')
      .set({ revision })
      .where('id', 'in', (query) =>
        query
          .selectFrom('provider_configs')
          .select('virtual_key_id')
          .where('provider_configs.id', '=', Number(id)),
      )
      .execute()
    return
  }
  const [table, column] = ownerTables[kind]
  await sql`update ${sql.table(table)} set revision = ${revision} where ${sql.ref(column)} = ${id}`.execute(
    transaction,
  )
}

export async function writeOverride(
  transaction: Transaction<Schema>,
  row: LimitOverrideTable,
): Promise<void> {
  const { budget_id: _, ...columns } = row
  await transaction
    .insertInto('limit_overrides')
    .values(row)
    .onConflict((conflict) => conflict.column('budget_id').doUpdateSet(columns))
    .execute()
}

export async function deleteOverride(transaction: Transaction<Schema>, budgetId: string): Promise<void> {
  await transaction.deleteFrom('limit_overrides').where('budget_id', '=', budgetId).execute()
}
