import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { TeamFact } from './facts.ts'
import { readOwnedLimits } from './owned-limits.sql.ts'
import { stored, storedJson } from './stored.ts'

export async function readChangedTeams(read: Kysely<Schema>, since: number): Promise<TeamFact[]> {
  const changed = read.selectFrom('teams').where('revision', '>', since)
  const limitsOf = await readOwnedLimits(read, 'team', changed.select('id'))
  const rows = await changed.selectAll().execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    customerId: row.customer_id,
    calendarAligned: row.calendar_aligned === 1,
    profile: storedJson(row.profile),
    config: storedJson(row.config),
    claims: storedJson(row.claims),
    ...limitsOf(row.id),
    ...stored(row),
  }))
}
