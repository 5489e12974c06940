import type { PricedUsage, Usage } from '../domain/usage.ts'
import type { CallCost, CallTerms } from './cost.ts'
import type { CountedField } from './price-fields.ts'
import { priceText } from './price-sheet.ts'

/** What a price tells apart of a usage beyond its tokens. */
type Fine = Omit<PricedUsage, keyof Usage>

/** What the cost of a call rests on, beside its tokens, provider, model and kind: enough to price it anew. */
export interface PriceTerms {
  /** The provider said what it costs. */
  readonly isReported: boolean
  readonly fine: Fine
  readonly isBatch: boolean
  readonly counted: NonNullable<CallTerms['counted']>
}

/** As it is stored: JSON, without what says nothing. `source`, `override_id` and `parts` tell people how it came about. */
interface StoredTerms {
  readonly source: 'none' | 'provider' | 'catalog' | 'override'
  readonly override_id?: string
  /** Member of the sheet, units, dollars per unit. */
  readonly parts?: readonly (readonly [field: string, units: number, price: string])[]
  readonly fine?: Partial<Fine>
  readonly batch?: true
  readonly counted?: NonNullable<CallTerms['counted']>
}

const nothing: Fine = {
  cacheWriteLong: 0,
  inputAudio: 0,
  outputAudio: 0,
  inputImage: 0,
  outputImage: 0,
  searches: 0,
  reportedCost: null,
  serviceTier: null,
}

/** The text that is stored with a call; a cost of null is not known. */
export function priceTermsText(
  usage: PricedUsage,
  { isBatch, counted = {} }: Pick<CallTerms, 'isBatch' | 'counted'>,
  cost: CallCost | null,
  overrideId: string | null,
): string {
  const names = Object.keys(nothing) as (keyof Fine)[]
  const fine = Object.fromEntries(
    names.filter((name) => usage[name] !== nothing[name]).map((name) => [name, usage[name]]),
  )
  const stored: StoredTerms = {
    ...sourceOf(cost, overrideId),
    ...(Object.keys(fine).length > 0 ? { fine } : {}),
    ...(isBatch ? { batch: true } : {}),
    ...(Object.keys(counted).length > 0 ? { counted } : {}),
  }
  return JSON.stringify(stored)
}

function sourceOf(cost: CallCost | null, overrideId: string | null): StoredTerms {
  if (cost === null) return { source: 'none' }
  if (cost.isReported) return { source: 'provider' }
  const parts = cost.parts.map(({ field, units, price }) => [field, units, priceText(price)] as const)
  return overrideId === null
    ? { source: 'catalog', parts }
    : { source: 'override', override_id: overrideId, parts }
}

/** Reads what `priceTermsText` has written. */
export function readPriceTerms(text: string): PriceTerms {
  const { source, fine, batch = false, counted = {} } = JSON.parse(text) as StoredTerms
  return {
    isReported: source === 'provider',
    fine: { ...nothing, ...fine },
    isBatch: batch,
    counted: counted as Partial<Record<CountedField, number>>,
  }
}
