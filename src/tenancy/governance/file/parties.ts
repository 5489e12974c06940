import { insertCustomer, updateCustomer } from '../owners/customers.sql.ts'
import { customersOf } from '../owners/customers.ts'
import { insertTeam, updateTeam } from '../owners/teams.sql.ts'
import { teamsOf } from '../owners/teams.ts'
import type { CustomerDefinition, TeamDefinition } from './definition.ts'
import { at, type FileWrite, fromFile, idsBeyond, refuse, storedHash } from './file-write.ts'

export async function writeCustomers(
  write: FileWrite,
  customers: readonly CustomerDefinition[],
): Promise<void> {
  const { it, context } = write
  for (const { id, name, calendarAligned } of customers) {
    const hash = write.digest([name, calendarAligned])
    const before = await storedHash(it.transaction, 'customers', id)
    if (!write.isToWrite(before, hash)) continue
    const path = `governance.customers.${id}`
    await refuseTakenName(write, 'customers', path, id, name)
    const { revision, at: now } = await it.begin()
    if (before === undefined) {
      const stamps = { config_hash: hash, created_at: now, updated_at: now, revision }
      await insertCustomer(it.transaction, { id, name, calendar_aligned: 0, ...stamps })
    }
    await at(path, () => customersOf(context).updateCustomer(fromFile, id, { name, limits: {} }))
    await updateCustomer(it.transaction, id, { calendar_aligned: Number(calendarAligned), config_hash: hash })
    await it.audit('CUSTOMER_CONFIGURED', id, { customer_id: id, name })
  }
}

export async function pruneCustomers(
  write: FileWrite,
  customers: readonly CustomerDefinition[],
): Promise<void> {
  const { deleteCustomer } = customersOf(write.context)
  const gone = await idsBeyond(
    write.it.transaction,
    'customers',
    customers.map(({ id }) => id),
  )
  for (const id of gone) {
    await deleteCustomer(fromFile, id)
    await write.it.audit('CUSTOMER_DELETED', id, { customer_id: id })
  }
}

export async function writeTeams(write: FileWrite, teams: readonly TeamDefinition[]): Promise<void> {
  const { it, context } = write
  for (const { id, ...team } of teams) {
    const { name, customerId, calendarAligned, profile, config, claims } = team
    const hash = write.digest([name, customerId, calendarAligned, profile, config, claims])
    const before = await storedHash(it.transaction, 'teams', id)
    if (!write.isToWrite(before, hash)) continue
    const path = `governance.teams.${id}`
    await refuseTakenName(write, 'teams', path, id, name)
    if (customerId !== null) await refuseStray(write, 'customers', `${path}.customer_id`, customerId)
    const { revision, at: now } = await it.begin()
    if (before === undefined) {
      const stamps = { config_hash: hash, created_at: now, updated_at: now, revision }
      const nothing = { customer_id: null, profile: '{}', config: '{}', claims: '{}' }
      await insertTeam(it.transaction, { id, name, calendar_aligned: 0, ...nothing, ...stamps })
    }
    const input = { name, customerId, profile, config, claims, limits: {} }
    await at(path, () => teamsOf(context).updateTeam(fromFile, id, input))
    await updateTeam(it.transaction, id, { calendar_aligned: Number(calendarAligned), config_hash: hash })
    await it.audit('TEAM_CONFIGURED', id, { team_id: id, name })
  }
}

export async function pruneTeams(write: FileWrite, teams: readonly TeamDefinition[]): Promise<void> {
  const { deleteTeam } = teamsOf(write.context)
  const gone = await idsBeyond(
    write.it.transaction,
    'teams',
    teams.map(({ id }) => id),
  )
  for (const id of gone) {
    await deleteTeam(fromFile, id)
    await write.it.audit('TEAM_DELETED', id, { team_id: id })
  }
}

/** Before the database says it: on Postgres that would end the transaction without a word about the entry. */
async function refuseTakenName(
  { it }: FileWrite,
  table: 'customers' | 'teams',
  path: string,
  id: string,
  name: string,
): Promise<void> {
  const other = await it.transaction
    .selectFrom(table)
    .select('id')
    .where('name', '=', name)
    .where('id', '!=', id)
    .executeTakeFirst()
  if (other) refuse(`${path}.name`, `${JSON.stringify(name)} is the name of ${other.id} already`)
}

const kinds = {
  customers: 'customer',
  teams: 'team',
  virtual_keys: 'virtual key',
  model_configs: 'model config',
}

/** Refuses a reference to what neither the file nor the database has. */
export async function refuseStray(
  { it }: FileWrite,
  table: keyof typeof kinds,
  path: string,
  id: string,
): Promise<void> {
  const row = await it.transaction.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst()
  if (!row) refuse(path, `names the ${kinds[table]} ${JSON.stringify(id)}, which there is not`)
}
