import { type Kysely, sql, type Transaction } from 'kysely'
import type { Schema } from '../../../store/schema.ts'
import type { Stamp } from '../../write.ts'
import { bury } from './tombstones.sql.ts'

/** So many that the parameters of one statement suffice. */
const idsAtOnce = 500

/** Teams of some customers, oldest first. */
export async function readTeamIdsOf(read: Kysely<Schema>, customerIds: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const some of batches(customerIds)) {
    const rows = await read
      .selectFrom('teams')
      .select('id')
      .where('customer_id', 'in', some)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    for (const { id } of rows) found.push(id)
  }
  return found
}

/** Virtual keys of some teams or customers, oldest first within each. */
export async function readKeyIdsOf(
  read: Kysely<Schema>,
  column: 'team_id' | 'customer_id',
  owners: readonly string[],
): Promise<string[]> {
  const found: string[] = []
  for (const some of batches(owners)) {
    const rows = await read
      .selectFrom('virtual_keys')
      .select('id')
      .where(column, 'in', some)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    for (const { id } of rows) found.push(id)
  }
  return found
}

function* batches(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += idsAtOnce) yield ids.slice(at, at + idsAtOnce)
}

/** Lets go of the teams of a customer: they stay, and nobody is above them. */
export async function detachTeams(
  transaction: Transaction<Schema>,
  customerId: string,
  stamp: Stamp,
): Promise<void> {
  await transaction
    .updateTable('teams')
    .set({ customer_id: null, ...movedOn(stamp) })
    .where('customer_id', '=', customerId)
    .execute()
}

/** Lets go of the virtual keys of a team or a customer. */
export async function detachKeys(
  transaction: Transaction<Schema>,
  column: 'team_id' | 'customer_id',
  ownerId: string,
  stamp: Stamp,
): Promise<void> {
  await transaction
    .updateTable('virtual_keys')
    .set({ [column]: null, ...movedOn(stamp) })
    .where(column, '=', ownerId)
    .execute()
}

function movedOn({ at, revision }: Stamp) {
  const updated_at = sql<number>`case when updated_at < ${at} then ${at} else updated_at + 1 end`
  return { updated_at, revision }
}

/** Rules of a scope end with whom they were for. */
export async function deleteRulesOf(
  transaction: Transaction<Schema>,
  scope: 'team' | 'customer' | 'virtual_key',
  scopeId: string,
  revision: number,
): Promise<void> {
  const gone = await transaction
    .deleteFrom('routing_rules')
    .where('scope', '=', scope)
    .where('scope_id', '=', scopeId)
    .returning('id')
    .execute()
  for (const { id } of gone) await bury(transaction, 'routing_rule', id, revision)
}
