import type { BudgetFact, OwnedLimits, RateLimitFact, VirtualKeyFact } from '../facts.ts'
import type { GovernanceWorld } from '../world.ts'
import type { Owner } from './owned-limits.ts'

/** A limit with its owner. */
export interface Owned<Limit> {
  readonly owner: Owner
  readonly limit: Limit
}

/** An owner with all its limits. */
export interface Holding {
  readonly owner: Owner
  readonly limits: OwnedLimits
}

/** The limits of an owner. `keyOfConfig` gives the virtual key of a provider config; null where there is no such owner. */
export function limitsOfOwner(
  world: GovernanceWorld,
  { kind, id }: Owner,
  keyOfConfig: (configId: string) => string | null,
): OwnedLimits | null {
  switch (kind) {
    case 'customer':
      return world.customer(id)
    case 'team':
      return world.team(id)
    case 'virtual_key':
      return world.virtualKey(id)
    case 'model_config':
      return world.modelConfig(id)
    case 'provider':
      return world.providerLimits(id)
    case 'provider_config': {
      const key = world.virtualKey(keyOfConfig(id) ?? '')
      return key?.providerConfigs.find((config) => String(config.id) === id) ?? null
    }
  }
}

/** A key's own limits and those of its provider configs. */
export function holdingsOfKey(key: VirtualKeyFact): readonly Holding[] {
  return [
    { owner: { kind: 'virtual_key', id: key.id }, limits: key },
    ...key.providerConfigs.map((config) => ({
      owner: { kind: 'provider_config', id: String(config.id) } as const,
      limits: config,
    })),
  ]
}

/** All that a key is judged by which belongs to it or to whom it belongs to. */
export function holdingsAbove(world: GovernanceWorld, key: VirtualKeyFact): readonly Holding[] {
  const team = key.teamId === null ? null : world.team(key.teamId)
  const customerId = team?.customerId ?? key.customerId
  const customer = customerId === null ? null : world.customer(customerId)
  return [
    ...holdingsOfKey(key),
    ...(team === null ? [] : [{ owner: { kind: 'team', id: team.id } as const, limits: team }]),
    ...(customer === null
      ? []
      : [{ owner: { kind: 'customer', id: customer.id } as const, limits: customer }]),
  ]
}

export function budgetsIn(holdings: readonly Holding[]): Owned<BudgetFact>[] {
  const all = holdings.flatMap(({ owner, limits }) => limits.budgets.map((limit) => ({ owner, limit })))
  return all.sort(oldestFirst)
}

export function rateLimitsIn(holdings: readonly Holding[]): Owned<RateLimitFact>[] {
  const all = holdings.flatMap(({ owner, limits: { rateLimit } }) =>
    rateLimit === null ? [] : [{ owner, limit: rateLimit }],
  )
  return all.sort(oldestFirst)
}

function oldestFirst(
  { limit: left }: Owned<BudgetFact | RateLimitFact>,
  { limit: right }: Owned<BudgetFact | RateLimitFact>,
): number {
  return left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1)
}
