import { overrideScopes } from '../../../catalog/overrides.ts'
import { priceFields } from '../../../catalog/price-fields.ts'
import { isSheetFault, priceText, readSheet, type SheetFault } from '../../../catalog/price-sheet.ts'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import { type RequestType, requestTypes } from '../../../domain/request-type.ts'
import type { PriceScope, PricingOverrideFact } from '../facts.ts'

/** An override as somebody writes it. */
export interface GivenOverride {
  readonly name: string
  readonly scopeKind: string
  readonly virtualKeyId: string | null
  readonly providerId: string | null
  readonly providerKeyId: string | null
  readonly matchType: string
  readonly pattern: string
  readonly requestTypes: readonly string[]
  /** Dollars per unit in decimal text, by the name of the price. */
  readonly patch: Readonly<Record<string, string>>
}

export type OverrideTerms = Omit<PricingOverrideFact, 'id' | 'configHash' | 'createdAt' | 'updatedAt'>

/** The override, or the first thing that is wrong with it. Whom it names is not looked up here. */
export function checkOverride(given: GivenOverride): OverrideTerms | Failure {
  if (given.name.trim() === '') return invalid('name is required')
  const { scopeKind } = given
  if (!isScope(scopeKind)) return invalid(`unsupported scope_kind "${scopeKind}"`)
  const fault = scopeFault(scopeKind, given) ?? patternFault(given) ?? requestTypesFault(given.requestTypes)
  if (fault !== null) return invalid(fault)
  const patch = readPatch(given.patch)
  if (isFailure(patch)) return patch
  return {
    ...given,
    scopeKind,
    matchType: given.matchType as PricingOverrideFact['matchType'],
    requestTypes: given.requestTypes as readonly RequestType[],
    patch: patch.prices,
  }
}

function isScope(text: string): text is PriceScope {
  return (overrideScopes as readonly string[]).includes(text)
}

type Id = 'virtualKeyId' | 'providerId' | 'providerKeyId'

/** Which ids a scope is made of, and what is said where one is missing, or there is another. */
const scopes: Readonly<Record<PriceScope, readonly [needs: readonly Id[], missing: string, other: string]>> =
  {
    global: [[], '', 'global scope_kind must not include scope identifiers'],
    provider: [
      ['providerId'],
      'provider_id is required for provider scope_kind',
      'provider scope_kind only supports provider_id',
    ],
    provider_key: [
      ['providerKeyId'],
      'provider_key_id is required for provider_key scope_kind',
      'provider_key scope_kind only supports provider_key_id',
    ],
    virtual_key: [
      ['virtualKeyId'],
      'virtual_key_id is required for virtual_key scope_kind',
      'virtual_key scope_kind only supports virtual_key_id',
    ],
    virtual_key_provider: [
      ['virtualKeyId', 'providerId'],
      'virtual_key_id and provider_id are required for virtual_key_provider scope_kind',
      'virtual_key_provider scope_kind does not support provider_key_id',
    ],
    virtual_key_provider_key: [
      ['virtualKeyId', 'providerId', 'providerKeyId'],
      'virtual_key_id, provider_id, and provider_key_id are required for virtual_key_provider_key scope_kind',
      '',
    ],
  }

const ids: readonly Id[] = ['virtualKeyId', 'providerId', 'providerKeyId']

function scopeFault(scope: PriceScope, given: GivenOverride): string | null {
  const [needs, missing, other] = scopes[scope]
  if (needs.some((id) => given[id] === null)) return missing
  return ids.some((id) => given[id] !== null && !needs.includes(id)) ? other : null
}

function patternFault({ matchType, pattern }: GivenOverride): string | null {
  if (pattern.trim() === '') return 'pattern is required'
  switch (matchType) {
    case 'exact':
      return pattern.includes('*') ? 'exact match pattern must not contain wildcards' : null
    case 'wildcard':
      if (!pattern.endsWith('*')) return 'wildcard pattern must end with *'
      return pattern.slice(0, -1).includes('*')
        ? 'wildcard pattern must contain exactly one trailing *'
        : null
    default:
      return `unsupported match_type "${matchType}"`
  }
}

function requestTypesFault(types: readonly string[]): string | null {
  if (types.length === 0) return 'request_types is required and must contain at least one value'
  const unknown = types.find((type) => !isRequestType(type))
  if (unknown === undefined) return null
  const base = unknown.replace(/_stream$/, '')
  return isRequestType(base)
    ? `unsupported request_type "${unknown}": use the base type (e.g. "${base}" covers both streaming and non-streaming)`
    : `unsupported request_type "${unknown}"`
}

function isRequestType(text: string): boolean {
  return (requestTypes as readonly string[]).includes(text)
}

/** Prices in exact decimal text, as they are computed with. */
function readPatch(
  given: Readonly<Record<string, string>>,
): { readonly prices: Readonly<Record<string, string>> } | Failure {
  const sheet = readSheet(given)
  if (isSheetFault(sheet)) return invalid(wordPriceFault(sheet))
  const prices: Record<string, string> = {}
  for (const field of priceFields) {
    const price = sheet[field]
    if (price !== undefined) prices[field] = priceText(price)
  }
  return { prices }
}

function wordPriceFault({ field, fault }: SheetFault): string {
  switch (fault) {
    case 'unknown':
      return `patch: unknown member "${field}"`
    case 'negative':
      return `${field} cannot be negative`
    case 'too_large':
      return `${field} cannot be above 1000000`
    case 'malformed':
    case 'too_small':
      return `${field} must be a number`
  }
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
