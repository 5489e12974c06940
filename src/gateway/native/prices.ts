import type { Catalog } from '../../catalog/catalog.ts'
import {
  indexOverrides,
  type OverrideIndex,
  overrideFor,
  type PricedCall,
  type PriceOverride,
} from '../../catalog/overrides.ts'
import { applyPatch, isSheetFault, type PriceSheet, readSheet } from '../../catalog/price-sheet.ts'
import type { PricingOverrideFact } from '../../tenancy/governance/facts.ts'
import type { GovernanceTables, GovernanceWorld } from '../../tenancy/governance/world.ts'

/** What a call is priced by. */
export interface Price {
  /** Null: nobody knows what it costs. */
  readonly sheet: PriceSheet | null
  /** The operator's own prices that stand in it. */
  readonly overrideId: string | null
}

/** The catalogue's prices of a model, with those over them that an operator has set for such a call. */
export function priceOfModel(world: GovernanceWorld, call: PricedCall, catalog: Catalog): Price {
  const known = catalog.find(call.provider, call.model, call.requestType)?.prices ?? null
  const override = overrideFor(overridesOf(world), call)
  if (override === null) return { sheet: known, overrideId: null }
  return { sheet: applyPatch(known, override.patch), overrideId: override.id }
}

/** By the table they stand in, which is another after each change of one of them. */
const indexes = new WeakMap<GovernanceTables['pricingOverrides'], OverrideIndex>()

function overridesOf({ tables: { pricingOverrides } }: GovernanceWorld): OverrideIndex {
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
