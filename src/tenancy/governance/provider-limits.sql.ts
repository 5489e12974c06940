import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { ProviderLimitsFact } from './facts.ts'
import { readOwnedLimits } from './owned-limits.sql.ts'
import { stored } from './stored.ts'

export async function readChangedProviderLimits(
  read: Kysely<Schema>,
  since: number,
): Promise<ProviderLimitsFact[]> {
  const changed = read.selectFrom('provider_limits').where('revision', '>', since)
  const limitsOf = await readOwnedLimits(read, 'provider', changed.select('provider as id'))
  const rows = await changed.selectAll().execute()
  return rows.map((row) => ({
    provider: row.provider,
    calendarAligned: row.calendar_aligned === 1,
    ...limitsOf(row.provider),
    ...stored(row),
  }))
}
