import type { Kysely } from 'kysely'
import { bundledCatalog } from '../../../catalog/bundled.ts'
import type { Catalog } from '../../../catalog/catalog.ts'
import {
  indexOverrides,
  type OverrideIndex,
  overrideFor,
  type PricedCall,
  type PriceOverride,
} from '../../../catalog/overrides.ts'
import { applyPatch, isSheetFault, type PriceSheet, readSheet } from '../../../catalog/price-sheet.ts'
import type { Schema } from '../../../store/schema.ts'
import { emptyShardedMap } from '../../sharded-map.ts'
import type { PricingOverrideFact } from '../facts.ts'
import { readImportedPrices } from '../settings.sql.ts'
import type { GovernanceTables, GovernanceWorld } from '../world.ts'
import { readChangedPricingOverrides } from './pricing-overrides.sql.ts'

/** As much of a view as prices stand in. */
export interface PricedWorld extends Pick<GovernanceWorld, 'importedPrices'> {
  readonly tables: Pick<GovernanceTables, 'pricingOverrides'>
}

/** The prices that are in force, for somebody who has no view. */
export async function loadPrices(read: Kysely<Schema>): Promise<PricedWorld> {
  const overrides = await readChangedPricingOverrides(read, 0)
  const byId = new Map(overrides.map((override) => [override.id, override]))
  return {
    importedPrices: await readImportedPrices(read),
    tables: { pricingOverrides: emptyShardedMap<PricingOverrideFact>().with(byId) },
  }
}

/** What a call is priced by. */
export interface Price {
  /** Null: nobody knows what it costs. */
  readonly sheet: PriceSheet | null
  /** The operator's own prices that stand in it. */
  readonly overrideId: string | null
}

/** The models and prices that hold in a view: those of the operator's own sheet, else those of the product. */
export function catalogIn({ importedPrices }: Pick<PricedWorld, 'importedPrices'>): Catalog {
  return importedPrices?.catalog ?? bundledCatalog()
}

/** The catalogue's prices of a model, with those over them that an operator has set for such a call. */
export function priceOfModel(world: PricedWorld, call: PricedCall): Price {
  const known = catalogIn(world).find(call.provider, call.model, call.requestType)?.prices ?? null
  const override = overrideFor(overridesOf(world), call)
  if (override === null) return { sheet: known, overrideId: null }
  return { sheet: applyPatch(known, override.patch), overrideId: override.id }
}

/** By the table they stand in, which is another after each change of one of them. */
const indexes = new WeakMap<GovernanceTables['pricingOverrides'], OverrideIndex>()

function overridesOf({ tables: { pricingOverrides } }: PricedWorld): OverrideIndex {
  const known = indexes.get(pricingOverrides)
  if (known !== undefined) return known
  const index = indexOverrides([...pricingOverrides.values()].map(toOverride))
  indexes.set(pricingOverrides, index)
  return index
}

function toOverride(fact: PricingOverrideFact): PriceOverride {
  const patch = readSheet(fact.patch)
  if (isSheetFault(patch)) throw new Error(`pricing override ${fact.id}: ${patch.field} is ${patch.fault}`)
  const {
    id,
    scopeKind,
    virtualKeyId,
    providerId,
    providerKeyId,
    matchType,
    pattern,
    requestTypes,
    createdAt,
  } = fact
  return {
    id,
    scopeKind,
    virtualKeyId,
    provider: providerId,
    providerKeyId,
    matchType,
    pattern,
    requestTypes,
    patch,
    createdAt,
  }
}
