import type { Kysely, Transaction } from 'kysely'
import type { ModelConfigTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { ModelConfigFact, ModelScope } from '../facts.ts'
import { stored } from '../stored.ts'
import { readOwnedLimits } from './owned-limits.sql.ts'

export function readChangedModelConfigs(read: Kysely<Schema>, since: number): Promise<ModelConfigFact[]> {
  return readModelConfigs(read, (configs) => configs.where('revision', '>', since))
}

/** As it is within a write. */
export async function readModelConfig(
  transaction: Transaction<Schema>,
  id: string,
): Promise<ModelConfigFact | null> {
  const [config = null] = await readModelConfigs(transaction, (configs) => configs.where('id', '=', id))
  return config
}

async function readModelConfigs(
  database: Kysely<Schema>,
  choose: (configs: ReturnType<typeof allConfigs>) => ReturnType<typeof allConfigs>,
): Promise<ModelConfigFact[]> {
  const chosen = choose(allConfigs(database))
  const rows = await chosen.selectAll().execute()
  if (rows.length === 0) return []
  const limitsOf = await readOwnedLimits(database, 'model_config', chosen.select('id'))
  return rows.map((row) => ({
    id: row.id,
    modelName: row.model_name,
    provider: row.provider,
    scope: row.scope as ModelScope,
    scopeId: row.scope_id,
    calendarAligned: row.calendar_aligned === 1,
    ...limitsOf(row.id),
    ...stored(row),
  }))
}

function allConfigs(database: Kysely<Schema>) {
  return database.selectFrom('model_configs')
}

/** What no two model configs have in common. */
export type ModelIdentity = Pick<ModelConfigFact, 'modelName' | 'provider' | 'scope' | 'scopeId'>

/** The config that has an identity; null where none has. */
export async function findModelConfig(
  transaction: Transaction<Schema>,
  { modelName, provider, scope, scopeId }: ModelIdentity,
): Promise<string | null> {
  const row = await transaction
    .selectFrom('model_configs')
    .select('id')
    .where('model_name', '=', modelName)
    .where('scope', '=', scope)
    .where('scope_id', scopeId === null ? 'is' : '=', scopeId)
    .where('provider', provider === null ? 'is' : '=', provider)
    .executeTakeFirst()
  return row?.id ?? null
}

export async function insertModelConfig(
  transaction: Transaction<Schema>,
  row: ModelConfigTable,
): Promise<void> {
  await transaction.insertInto('model_configs').values(row).execute()
}

export async function updateModelConfig(
  transaction: Transaction<Schema>,
  id: string,
  columns: Partial<ModelConfigTable>,
): Promise<void> {
  await transaction.updateTable('model_configs').set(columns).where('id', '=', id).execute()
}

export async function deleteModelConfigRow(transaction: Transaction<Schema>, id: string): Promise<void> {
  await transaction.deleteFrom('model_configs').where('id', '=', id).execute()
}
