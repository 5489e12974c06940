import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { CustomerFact } from './facts.ts'
import { readOwnedLimits } from './owned-limits.sql.ts'
import { stored } from './stored.ts'

export async function readChangedCustomers(read: Kysely<Schema>, since: number): Promise<CustomerFact[]> {
  const changed = read.selectFrom('customers').where('revision', '>', since)
  const limitsOf = await readOwnedLimits(read, 'customer', changed.select('id'))
  const rows = await changed.selectAll().execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    calendarAligned: row.calendar_aligned === 1,
    ...limitsOf(row.id),
    ...stored(row),
  }))
}
