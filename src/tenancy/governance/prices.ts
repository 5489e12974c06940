import { bundledCatalog } from '../../catalog/bundled.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import {
  indexOverrides,
  type OverrideIndex,
  overrideFor,
  type PricedCall,
  type PriceOverride,
} from '../../catalog/overrides.ts'
import { applyPatch, isSheetFault, type PriceSheet, readSheet } from '../../catalog/price-sheet.ts'
import type { ShardedMap } from '../sharded-map.ts'
import type { PricingOverrideFact } from './facts.ts'
import type { GovernanceWorld } from './world.ts'

/** What calls cost. */
export interface Prices {
  readonly catalog: Catalog
  readonly overrides: OverrideIndex
}

/** The prices that hold in a view. What was worked out of it once is not worked out again. */
export function pricesOf({ importedPrices, tables }: GovernanceWorld): Prices {
  return {
    catalog: importedPrices?.catalog ?? bundledCatalog(),
    overrides: overridesIn(tables.pricingOverrides),
  }
}

/** The prices of a call, what the operator sets over the catalogue's included; null where nobody knows any. */
export function sheetFor({ catalog, overrides }: Prices, call: PricedCall): PriceSheet | null {
  const known = catalog.find(call.provider, call.model, call.requestType)?.prices ?? null
  const override = overrideFor(overrides, call)
  return override === null ? known : applyPatch(known, override.patch)
}

const indexes = new WeakMap<ShardedMap<PricingOverrideFact>, OverrideIndex>()

/** A table that nothing was written to is the same table. */
function overridesIn(table: ShardedMap<PricingOverrideFact>): OverrideIndex {
  const known = indexes.get(table)
  if (known !== undefined) return known
  const index = indexOverrides([...table.values()].map(toOverride))
  indexes.set(table, index)
  return index
}

function toOverride({ providerId, ...fact }: PricingOverrideFact): PriceOverride {
  const patch = readSheet(fact.patch)
  if (isSheetFault(patch))
    throw new Error(`A pricing override is stored with what is no price: ${patch.field}`)
  return { ...fact, provider: providerId, patch }
}
