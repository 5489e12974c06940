import type { Kysely, Transaction } from 'kysely'
import type { TeamTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { TeamFact } from '../facts.ts'
import { readOwnedLimits } from '../limits/owned-limits.sql.ts'
import { stored, storedJson } from '../stored.ts'

export function readChangedTeams(read: Kysely<Schema>, since: number): Promise<TeamFact[]> {
  return readTeams(read, (teams) => teams.where('revision', '>', since))
}

/** As it is within a write. */
export async function readTeam(transaction: Transaction<Schema>, id: string): Promise<TeamFact | null> {
  const [team = null] = await readTeams(transaction, (teams) => teams.where('id', '=', id))
  return team
}

async function readTeams(
  database: Kysely<Schema>,
  choose: (teams: ReturnType<typeof allTeams>) => ReturnType<typeof allTeams>,
): Promise<TeamFact[]> {
  const chosen = choose(allTeams(database))
  const rows = await chosen.selectAll().execute()
  if (rows.length === 0) return []
  const limitsOf = await readOwnedLimits(database, 'team', chosen.select('id'))
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

function allTeams(database: Kysely<Schema>) {
  return database.selectFrom('teams')
}

export async function insertTeam(transaction: Transaction<Schema>, row: TeamTable): Promise<void> {
  await transaction.insertInto('teams').values(row).execute()
}

export async function updateTeam(
  transaction: Transaction<Schema>,
  id: string,
  columns: Partial<TeamTable>,
): Promise<void> {
  await transaction.updateTable('teams').set(columns).where('id', '=', id).execute()
}

export async function deleteTeam(transaction: Transaction<Schema>, id: string): Promise<void> {
  await transaction.deleteFrom('teams').where('id', '=', id).execute()
}
