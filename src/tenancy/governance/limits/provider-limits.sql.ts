import type { Kysely, Transaction } from 'kysely'
import type { ProviderLimitTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { ProviderLimitsFact } from '../facts.ts'
import { stored } from '../stored.ts'
import { readOwnedLimits } from './owned-limits.sql.ts'

export function readChangedProviderLimits(
  read: Kysely<Schema>,
  since: number,
): Promise<ProviderLimitsFact[]> {
  return readAll(read, (limits) => limits.where('revision', '>', since))
}

/** As they are within a write; null where a provider has none. */
export async function readProviderLimits(
  transaction: Transaction<Schema>,
  provider: string,
): Promise<ProviderLimitsFact | null> {
  const [limits = null] = await readAll(transaction, (all) => all.where('provider', '=', provider))
  return limits
}

async function readAll(
  database: Kysely<Schema>,
  choose: (limits: ReturnType<typeof allLimits>) => ReturnType<typeof allLimits>,
): Promise<ProviderLimitsFact[]> {
  const chosen = choose(allLimits(database))
  const rows = await chosen.selectAll().execute()
  if (rows.length === 0) return []
  const limitsOf = await readOwnedLimits(database, 'provider', chosen.select('provider as id'))
  return rows.map((row) => ({
    provider: row.provider,
    calendarAligned: row.calendar_aligned === 1,
    ...limitsOf(row.provider),
    ...stored(row),
  }))
}

function allLimits(database: Kysely<Schema>) {
  return database.selectFrom('provider_limits')
}

export async function writeProviderLimits(
  transaction: Transaction<Schema>,
  { provider, created_at, ...columns }: ProviderLimitTable,
): Promise<void> {
  await transaction
    .insertInto('provider_limits')
    .values({ provider, created_at, ...columns })
    .onConflict((conflict) => conflict.column('provider').doUpdateSet(columns))
    .execute()
}

export async function deleteProviderLimitsRow(
  transaction: Transaction<Schema>,
  provider: string,
): Promise<void> {
  await transaction.deleteFrom('provider_limits').where('provider', '=', provider).execute()
}
