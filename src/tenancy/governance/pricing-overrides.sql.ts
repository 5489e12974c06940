import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { PriceScope, PricingOverrideFact } from './facts.ts'
import { stored, storedJson } from './stored.ts'

export async function readChangedPricingOverrides(
  read: Kysely<Schema>,
  since: number,
): Promise<PricingOverrideFact[]> {
  const rows = await read.selectFrom('pricing_overrides').selectAll().where('revision', '>', since).execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    scopeKind: row.scope_kind as PriceScope,
    virtualKeyId: row.virtual_key_id,
    providerId: row.provider_id,
    providerKeyId: row.provider_key_id,
    matchType: row.match_type as PricingOverrideFact['matchType'],
    pattern: row.pattern,
    requestTypes: storedJson(row.request_types),
    patch: storedJson(row.patch),
    ...stored(row),
  }))
}
