import { type Kysely, sql, type Transaction } from 'kysely'
import type {
  McpConfigTable,
  ProviderConfigTable,
  VirtualKeyTable,
} from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { Place } from '../../sealing/sealing.ts'
import type { McpConfigFact, OwnedLimits, ProviderConfigFact, VirtualKeyFact } from '../facts.ts'
import { readOwnedLimits } from '../limits/owned-limits.sql.ts'
import { stored, storedJson } from '../stored.ts'
import { bury } from './tombstones.sql.ts'

export function virtualKeyPlace(id: string): Place {
  return ['virtual_keys', id]
}

export function readChangedVirtualKeys(read: Kysely<Schema>, since: number): Promise<VirtualKeyFact[]> {
  return readKeys(read, (keys) => keys.where('revision', '>', since))
}

/** As it is within a write. */
export async function readVirtualKey(
  transaction: Transaction<Schema>,
  id: string,
): Promise<VirtualKeyFact | null> {
  const [key = null] = await readKeys(transaction, (keys) => keys.where('id', '=', id))
  return key
}

type Keys = ReturnType<typeof allKeys>

function allKeys(database: Kysely<Schema>) {
  return database.selectFrom('virtual_keys')
}

async function readKeys(database: Kysely<Schema>, choose: (keys: Keys) => Keys): Promise<VirtualKeyFact[]> {
  const chosen = choose(allKeys(database))
  const rows = await chosen.selectAll().execute()
  if (rows.length === 0) return []
  const [limitsOf, providerConfigsOf, mcpConfigsOf] = await Promise.all([
    readOwnedLimits(database, 'virtual_key', chosen.select('id')),
    readProviderConfigs(database, chosen),
    readMcpConfigs(database, chosen),
  ])
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    digest: Buffer.from(row.digest, 'hex'),
    sealedValue: row.sealed_value,
    previous: previousOf(row),
    isActive: row.is_active === 1,
    teamId: row.team_id,
    customerId: row.customer_id,
    calendarAligned: row.calendar_aligned === 1,
    expiresAt: row.expires_at,
    providerConfigs: providerConfigsOf(row.id),
    mcpConfigs: mcpConfigsOf(row.id),
    ...limitsOf(row.id),
    ...stored(row),
  }))
}

function previousOf({ previous_digest, previous_until }: VirtualKeyTable): VirtualKeyFact['previous'] {
  if (previous_digest === null || previous_until === null) return null
  return { digest: Buffer.from(previous_digest, 'hex'), until: previous_until }
}

async function readProviderConfigs(
  database: Kysely<Schema>,
  keys: Keys,
): Promise<(virtualKeyId: string) => readonly ProviderConfigFact[]> {
  const ofKeys = database.selectFrom('provider_configs').where('virtual_key_id', 'in', keys.select('id'))
  const idAsText = sql<string>`cast(id as text)`.as('id')
  const limitsOf = await readOwnedLimits(database, 'provider_config', ofKeys.select(idAsText))
  const rows = await ofKeys.selectAll().orderBy('position').execute()
  const byKey = Map.groupBy(rows, ({ virtual_key_id }) => virtual_key_id)
  return (id) => (byKey.get(id) ?? []).map((row) => toProviderConfig(row, limitsOf(String(row.id))))
}

function toProviderConfig(row: ProviderConfigTable, limits: OwnedLimits): ProviderConfigFact {
  return {
    id: row.id,
    virtualKeyId: row.virtual_key_id,
    provider: row.provider,
    weight: row.weight === null ? null : Number(row.weight),
    allowedModels: storedJson(row.allowed_models),
    blacklistedModels: storedJson(row.blacklisted_models),
    allowAllKeys: row.allow_all_keys === 1,
    keyIds: storedJson(row.key_ids),
    ...limits,
  }
}

async function readMcpConfigs(
  database: Kysely<Schema>,
  keys: Keys,
): Promise<(virtualKeyId: string) => readonly McpConfigFact[]> {
  const rows = await database
    .selectFrom('mcp_configs')
    .selectAll()
    .where('virtual_key_id', 'in', keys.select('id'))
    .orderBy('position')
    .execute()
  const byKey = Map.groupBy(rows, ({ virtual_key_id }) => virtual_key_id)
  return (id) =>
    (byKey.get(id) ?? []).map((row) => ({
      id: row.id,
      clientId: row.mcp_client_id,
      tools: storedJson(row.tools),
    }))
}

export async function insertVirtualKey(
  transaction: Transaction<Schema>,
  row: VirtualKeyTable,
): Promise<void> {
  await transaction.insertInto('virtual_keys').values(row).execute()
}

export async function updateVirtualKeyRow(
  transaction: Transaction<Schema>,
  id: string,
  columns: Partial<VirtualKeyTable>,
): Promise<void> {
  await transaction.updateTable('virtual_keys').set(columns).where('id', '=', id).execute()
}

/** A provider config but for its limits, which have tables of their own. */
export type StoredProviderConfig = Omit<ProviderConfigFact, keyof OwnedLimits>

/** All rows anew: two of them may have swapped what must differ. */
export async function replaceProviderConfigs(
  transaction: Transaction<Schema>,
  virtualKeyId: string,
  configs: readonly StoredProviderConfig[],
): Promise<void> {
  await transaction.deleteFrom('provider_configs').where('virtual_key_id', '=', virtualKeyId).execute()
  for (const [position, config] of configs.entries()) {
    const row: ProviderConfigTable = {
      id: config.id,
      virtual_key_id: virtualKeyId,
      position,
      provider: config.provider,
      weight: config.weight === null ? null : String(config.weight),
      allowed_models: JSON.stringify(config.allowedModels),
      blacklisted_models: JSON.stringify(config.blacklistedModels),
      allow_all_keys: config.allowAllKeys ? 1 : 0,
      key_ids: JSON.stringify(config.keyIds),
    }
    await transaction.insertInto('provider_configs').values(row).execute()
  }
}

/** As `replaceProviderConfigs`. */
export async function replaceMcpConfigs(
  transaction: Transaction<Schema>,
  virtualKeyId: string,
  configs: readonly McpConfigFact[],
): Promise<void> {
  await transaction.deleteFrom('mcp_configs').where('virtual_key_id', '=', virtualKeyId).execute()
  for (const [position, config] of configs.entries()) {
    const row: McpConfigTable = {
      id: config.id,
      virtual_key_id: virtualKeyId,
      position,
      mcp_client_id: config.clientId,
      tools: JSON.stringify(config.tools),
    }
    await transaction.insertInto('mcp_configs').values(row).execute()
  }
}

/** The key and its permissions; limits are deleted by whoever counts them. */
export async function deleteVirtualKeyRows(transaction: Transaction<Schema>, id: string): Promise<void> {
  await transaction.deleteFrom('provider_configs').where('virtual_key_id', '=', id).execute()
  await transaction.deleteFrom('mcp_configs').where('virtual_key_id', '=', id).execute()
  await transaction.deleteFrom('virtual_keys').where('id', '=', id).execute()
}

/** The limits of models for this key alone. */
export async function readModelLimitsOf(
  transaction: Transaction<Schema>,
  virtualKeyId: string,
): Promise<OwnedLimits[]> {
  const configs = transaction
    .selectFrom('model_configs')
    .select('id')
    .where('scope', '=', 'virtual_key')
    .where('scope_id', '=', virtualKeyId)
  const limitsOf = await readOwnedLimits(transaction, 'model_config', configs)
  return (await configs.execute()).map(({ id }) => limitsOf(id))
}

/** What was said of this key alone: limits of models, and prices. */
export async function deleteScopedTo(
  transaction: Transaction<Schema>,
  virtualKeyId: string,
  revision: number,
): Promise<void> {
  const configs = await transaction
    .deleteFrom('model_configs')
    .where('scope', '=', 'virtual_key')
    .where('scope_id', '=', virtualKeyId)
    .returning('id')
    .execute()
  for (const { id } of configs) await bury(transaction, 'model_config', id, revision)
  const overrides = await transaction
    .deleteFrom('pricing_overrides')
    .where('virtual_key_id', '=', virtualKeyId)
    .returning('id')
    .execute()
  for (const { id } of overrides) await bury(transaction, 'pricing_override', id, revision)
}
