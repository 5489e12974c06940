import type { RequestType } from '../domain/request-type.ts'
import type { EpochMs } from '../domain/time.ts'
import type { PriceSheet } from './price-sheet.ts'

/** Whose calls an override may price: the narrowest scope first, which is the order in which they are asked. */
export const overrideScopes = [
  'virtual_key_provider_key',
  'virtual_key_provider',
  'virtual_key',
  'provider_key',
  'provider',
  'global',
] as const

export type OverrideScope = (typeof overrideScopes)[number]

/** Prices that an operator sets over the catalogue's, for some models of some calls. */
export interface PriceOverride {
  readonly id: string
  readonly scopeKind: OverrideScope
  /** The ids that the scope needs; null those that it does not. */
  readonly virtualKeyId: string | null
  readonly provider: string | null
  readonly providerKeyId: string | null
  readonly matchType: 'exact' | 'wildcard'
  /** A model's name, in any case; a wildcard ends with its only `*`. */
  readonly pattern: string
  readonly requestTypes: readonly RequestType[]
  readonly patch: PriceSheet
  readonly createdAt: EpochMs
}

/** A call, as far as overrides look at it. */
export interface PricedCall {
  readonly virtualKeyId: string | null
  readonly provider: string
  readonly providerKeyId: string | null
  readonly model: string
  readonly requestType: RequestType
}

/** All overrides, found without looking at those of other scopes, ids, kinds of request or names. */
export interface OverrideIndex {
  /** By scope, the ids that it needs, and the kind of request. */
  readonly patterns: ReadonlyMap<string, Patterns>
  /** Scopes that any override has, narrowest first. */
  readonly scopes: readonly OverrideScope[]
}

interface Patterns {
  readonly exact: ReadonlyMap<string, PriceOverride>
  /** By what stands before the star. */
  readonly wildcards: ReadonlyMap<string, PriceOverride>
  /** The lengths that those have, longest first. */
  readonly prefixLengths: readonly number[]
}

interface Ids {
  readonly virtualKeyId: string | null
  readonly provider: string | null
  readonly providerKeyId: string | null
}

/** Which ids a scope looks at. */
const idsOf: Readonly<Record<OverrideScope, (ids: Ids) => readonly (string | null)[]>> = {
  virtual_key_provider_key: (ids) => [ids.virtualKeyId, ids.provider, ids.providerKeyId],
  virtual_key_provider: (ids) => [ids.virtualKeyId, ids.provider],
  virtual_key: (ids) => [ids.virtualKeyId],
  provider_key: (ids) => [ids.providerKeyId],
  provider: (ids) => [ids.provider],
  global: () => [],
}

export function indexOverrides(overrides: readonly PriceOverride[]): OverrideIndex {
  const groups = new Map<string, PriceOverride[]>()
  // Of two that are equal in all else, the older is asked: it is put in first, and stays.
  for (const override of overrides.toSorted(byAge)) {
    for (const requestType of new Set(override.requestTypes)) {
      const key = groupKey(override.scopeKind, override, requestType)
      if (key === null) continue
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [override])
      else group.push(override)
    }
  }
  const used = new Set(overrides.map(({ scopeKind }) => scopeKind))
  return {
    patterns: new Map([...groups].map(([key, group]) => [key, patternsOf(group)])),
    scopes: overrideScopes.filter((scope) => used.has(scope)),
  }
}

/** The override that a call is priced by: the narrowest scope, there the exact name, else the longest prefix. */
export function overrideFor(index: OverrideIndex, call: PricedCall): PriceOverride | null {
  const model = call.model.toLowerCase()
  for (const scope of index.scopes) {
    const key = groupKey(scope, call, call.requestType)
    const patterns = key === null ? undefined : index.patterns.get(key)
    const override = patterns === undefined ? null : matchOf(patterns, model)
    if (override !== null) return override
  }
  return null
}

function byAge(left: PriceOverride, right: PriceOverride): number {
  return left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1)
}

/** Null where an id that the scope needs is missing. */
function groupKey(scope: OverrideScope, ids: Ids, requestType: RequestType): string | null {
  let key = `${scope}/${requestType}`
  for (const id of idsOf[scope](ids)) {
    if (id === null) return null
    // Its length keeps an id that holds a slash from reading as two.
    key += `/${id.length}:${id}`
  }
  return key
}

function patternsOf(overrides: readonly PriceOverride[]): Patterns {
  const exact = new Map<string, PriceOverride>()
  const wildcards = new Map<string, PriceOverride>()
  for (const override of overrides) {
    const pattern = override.pattern.toLowerCase()
    const isExact = override.matchType === 'exact'
    const names = isExact ? exact : wildcards
    const name = isExact ? pattern : pattern.slice(0, -1)
    if (!names.has(name)) names.set(name, override)
  }
  const lengths = new Set([...wildcards.keys()].map((prefix) => prefix.length))
  return { exact, wildcards, prefixLengths: [...lengths].toSorted((left, right) => right - left) }
}

function matchOf({ exact, wildcards, prefixLengths }: Patterns, model: string): PriceOverride | null {
  const named = exact.get(model)
  if (named !== undefined) return named
  for (const length of prefixLengths) {
    const override = length > model.length ? undefined : wildcards.get(model.slice(0, length))
    if (override !== undefined) return override
  }
  return null
}
