import type { Transaction } from 'kysely'
import type { Schema } from '../../store/schema.ts'

// Whether what a wish names is there, as it is within a write.

type Named = 'virtual_keys' | 'teams' | 'customers'

export async function isThere(transaction: Transaction<Schema>, table: Named, id: string): Promise<boolean> {
  const row = await transaction.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}

/** Names of providers that an operator has configured. */
export async function readProviderNames(transaction: Transaction<Schema>): Promise<ReadonlySet<string>> {
  const rows = await transaction.selectFrom('providers').select('name').execute()
  return new Set(rows.map(({ name }) => name))
}

/** Whose key it is; null where there is no such key. */
export async function readProviderOfKey(
  transaction: Transaction<Schema>,
  keyId: string,
): Promise<string | null> {
  const row = await transaction
    .selectFrom('provider_keys')
    .select('provider')
    .where('key_id', '=', keyId)
    .executeTakeFirst()
  return row?.provider ?? null
}
