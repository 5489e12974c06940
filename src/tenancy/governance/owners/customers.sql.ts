import type { Kysely, Transaction } from 'kysely'
import type { CustomerTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { CustomerFact } from '../facts.ts'
import { readOwnedLimits } from '../limits/owned-limits.sql.ts'
import { stored } from '../stored.ts'

export function readChangedCustomers(read: Kysely<Schema>, since: number): Promise<CustomerFact[]> {
  return readCustomers(read, (customers) => customers.where('revision', '>', since))
}

/** As it is within a write. */
export async function readCustomer(
  transaction: Transaction<Schema>,
  id: string,
): Promise<CustomerFact | null> {
  const [customer = null] = await readCustomers(transaction, (customers) => customers.where('id', '=', id))
  return customer
}

async function readCustomers(
  database: Kysely<Schema>,
  choose: (customers: ReturnType<typeof allCustomers>) => ReturnType<typeof allCustomers>,
): Promise<CustomerFact[]> {
  const chosen = choose(allCustomers(database))
  const rows = await chosen.selectAll().execute()
  if (rows.length === 0) return []
  const limitsOf = await readOwnedLimits(database, 'customer', chosen.select('id'))
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    calendarAligned: row.calendar_aligned === 1,
    ...limitsOf(row.id),
    ...stored(row),
  }))
}

function allCustomers(database: Kysely<Schema>) {
  return database.selectFrom('customers')
}

export async function hasCustomer(transaction: Transaction<Schema>, id: string): Promise<boolean> {
  const row = await transaction.selectFrom('customers').select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}

export async function insertCustomer(transaction: Transaction<Schema>, row: CustomerTable): Promise<void> {
  await transaction.insertInto('customers').values(row).execute()
}

export async function updateCustomer(
  transaction: Transaction<Schema>,
  id: string,
  columns: Partial<CustomerTable>,
): Promise<void> {
  await transaction.updateTable('customers').set(columns).where('id', '=', id).execute()
}

export async function deleteCustomer(transaction: Transaction<Schema>, id: string): Promise<void> {
  await transaction.deleteFrom('customers').where('id', '=', id).execute()
}
