import type { Kysely, Transaction } from 'kysely'
import type { PricingOverrideTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { PriceScope, PricingOverrideFact } from '../facts.ts'
import { bury } from '../owners/tombstones.sql.ts'
import { stored, storedJson } from '../stored.ts'

export async function readChangedPricingOverrides(
  read: Kysely<Schema>,
  since: number,
): Promise<PricingOverrideFact[]> {
  const rows = await read.selectFrom('pricing_overrides').selectAll().where('revision', '>', since).execute()
  return rows.map(toFact)
}

/** As it is within a write. */
export async function readPricingOverride(
  transaction: Transaction<Schema>,
  id: string,
): Promise<PricingOverrideFact | null> {
  const row = await transaction
    .selectFrom('pricing_overrides')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? null : toFact(row)
}

function toFact(row: PricingOverrideTable): PricingOverrideFact {
  return {
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
  }
}

export async function writePricingOverride(
  transaction: Transaction<Schema>,
  fact: PricingOverrideFact,
  revision: number,
): Promise<void> {
  const columns = {
    name: fact.name,
    scope_kind: fact.scopeKind,
    virtual_key_id: fact.virtualKeyId,
    provider_id: fact.providerId,
    provider_key_id: fact.providerKeyId,
    match_type: fact.matchType,
    pattern: fact.pattern,
    request_types: JSON.stringify(fact.requestTypes),
    patch: JSON.stringify(fact.patch),
    config_hash: fact.configHash,
    updated_at: fact.updatedAt,
    revision,
  }
  await transaction
    .insertInto('pricing_overrides')
    .values({ id: fact.id, created_at: fact.createdAt, ...columns })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
    .execute()
}

export async function deletePricingOverrideRow(transaction: Transaction<Schema>, id: string): Promise<void> {
  await transaction.deleteFrom('pricing_overrides').where('id', '=', id).execute()
}

/** Prices for a key of a provider end with it. */
export async function deletePricingOverridesOfKey(
  transaction: Transaction<Schema>,
  keyId: string,
  revision: number,
): Promise<void> {
  const gone = await transaction
    .deleteFrom('pricing_overrides')
    .where('provider_key_id', '=', keyId)
    .returning('id')
    .execute()
  for (const { id } of gone) await bury(transaction, 'pricing_override', id, revision)
}

/** Prices for a provider, or for one of its keys, end with it; its keys are still there. */
export async function deletePricingOverridesOfProvider(
  transaction: Transaction<Schema>,
  provider: string,
  revision: number,
): Promise<void> {
  const keys = transaction.selectFrom('provider_keys').select('key_id').where('provider', '=', provider)
  const gone = await transaction
    .deleteFrom('pricing_overrides')
    .where(({ or, eb }) => or([eb('provider_id', '=', provider), eb('provider_key_id', 'in', keys)]))
    .returning('id')
    .execute()
  for (const { id } of gone) await bury(transaction, 'pricing_override', id, revision)
}
