import { type Kysely, sql } from 'kysely'
import type { ProviderConfigTable, VirtualKeyTable } from '../../store/governance-schema.ts'
import type { Schema } from '../../store/schema.ts'
import type { Place } from '../sealing.ts'
import type { McpConfigFact, OwnedLimits, ProviderConfigFact, VirtualKeyFact } from './facts.ts'
import { readOwnedLimits } from './owned-limits.sql.ts'
import { stored, storedJson } from './stored.ts'

export function virtualKeyPlace(id: string): Place {
  return ['virtual_keys', id]
}

export async function readChangedVirtualKeys(read: Kysely<Schema>, since: number): Promise<VirtualKeyFact[]> {
  const changed = read.selectFrom('virtual_keys').where('revision', '>', since)
  const [limitsOf, providerConfigsOf, mcpConfigsOf] = await Promise.all([
    readOwnedLimits(read, 'virtual_key', changed.select('id')),
    readProviderConfigs(read, since),
    readMcpConfigs(read, since),
  ])
  const rows = await changed.selectAll().execute()
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
  read: Kysely<Schema>,
  since: number,
): Promise<(virtualKeyId: string) => readonly ProviderConfigFact[]> {
  const ofChanged = read.selectFrom('provider_configs').where('virtual_key_id', 'in', changedIds(read, since))
  const idAsText = sql<string>`cast(id as text)`.as('id')
  const limitsOf = await readOwnedLimits(read, 'provider_config', ofChanged.select(idAsText))
  const rows = await ofChanged.selectAll().orderBy('position').execute()
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
  read: Kysely<Schema>,
  since: number,
): Promise<(virtualKeyId: string) => readonly McpConfigFact[]> {
  const rows = await read
    .selectFrom('mcp_configs')
    .selectAll()
    .where('virtual_key_id', 'in', changedIds(read, since))
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

function changedIds(read: Kysely<Schema>, since: number) {
  return read.selectFrom('virtual_keys').select('id').where('revision', '>', since)
}
