import type { Kysely, Selectable } from 'kysely'
import type { EpochMs } from '../../domain/time.ts'
import type { ModelEnvironmentTable, Schema } from '../../store/schema.ts'
import type { PageOf } from '../page.sql.ts'
import type { EnvironmentRecord, EnvironmentWish, ModelRecord } from '../records.ts'

/** A workspace's models in the order of their ids, with one more than asked for where there is one. */
export async function readModelPage(
  database: Kysely<Schema>,
  workspaceId: string,
  { limit, after }: PageOf,
): Promise<ModelRecord[]> {
  const ids = await database
    .selectFrom('model_environments')
    .select('model_id')
    .distinct()
    .where('workspace_id', '=', workspaceId)
    .where('deleted_at', 'is', null)
    .where('model_id', '>', after?.id ?? '')
    .orderBy('model_id')
    .limit(limit + 1)
    .execute()
  return readModels(
    database,
    workspaceId,
    ids.map(({ model_id }) => model_id),
  )
}

/** A model with its live environments; null where it has none. */
export async function readModel(
  database: Kysely<Schema>,
  workspaceId: string,
  id: string,
): Promise<ModelRecord | null> {
  const [model] = await readModels(database, workspaceId, [id])
  return model ?? null
}

/** Writes an environment under a new name or in the place of what is there; what the file wrote is remembered. */
export async function writeEnvironment(
  database: Kysely<Schema>,
  workspaceId: string,
  modelId: string,
  { name, baseUrl, model, region }: EnvironmentWish,
  sealedKey: string | null,
  revision: number,
): Promise<void> {
  const written = {
    base_url: baseUrl,
    model,
    sealed_api_key: sealedKey,
    region,
    deleted_at: null,
    revision,
  }
  await database
    .insertInto('model_environments')
    .values({ workspace_id: workspaceId, model_id: modelId, name, ...written, config_hash: null })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'model_id', 'name']).doUpdateSet(written))
    .execute()
}

/** Rows stay without their keys, so that every instance sees them go. */
export async function buryEnvironments(
  database: Kysely<Schema>,
  workspaceId: string,
  modelId: string,
  names: readonly string[],
  at: EpochMs,
  revision: number,
): Promise<void> {
  await database
    .updateTable('model_environments')
    .set({ sealed_api_key: null, deleted_at: at, revision })
    .where('workspace_id', '=', workspaceId)
    .where('model_id', '=', modelId)
    .where('name', 'in', names)
    .where('deleted_at', 'is', null)
    .execute()
}

async function readModels(
  database: Kysely<Schema>,
  workspaceId: string,
  ids: readonly string[],
): Promise<ModelRecord[]> {
  if (ids.length === 0) return []
  const rows = await database
    .selectFrom('model_environments')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('model_id', 'in', ids)
    .where('deleted_at', 'is', null)
    .orderBy('model_id')
    .orderBy('name')
    .execute()
  const models = Map.groupBy(rows, ({ model_id }) => model_id)
  return [...models].map(([id, environments]) => ({ id, environments: environments.map(toRecord) }))
}

function toRecord(row: Selectable<ModelEnvironmentTable>): EnvironmentRecord {
  return {
    name: row.name,
    baseUrl: row.base_url,
    model: row.model,
    hasApiKey: row.sealed_api_key !== null,
    region: row.region,
    isInFile: row.config_hash !== null,
  }
}
