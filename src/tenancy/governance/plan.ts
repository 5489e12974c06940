import type { EpochMs } from '../../domain/time.ts'
import type { Plan, PlanRow, Subject } from '../../limits/plan.ts'
import { periodOf } from '../../limits/window.ts'
import type {
  BudgetFact,
  CustomerFact,
  ModelConfigFact,
  OwnedLimits,
  ProviderConfigFact,
  TeamFact,
  VirtualKeyFact,
} from './facts.ts'
import { budgetRow, raiseOf, rateRows, windowOfLimit } from './limits/limit-rows.ts'
import type { GovernanceWorld } from './world.ts'

/** Whose limits a call is subject to. */
export interface GovernedCall {
  /** Null for a caller without one: only what holds everywhere counts then. */
  readonly virtualKey: VirtualKeyFact | null
  readonly provider: string
  /** As the provider knows it. */
  readonly model: string
}

/** A plan, and how long it is that. */
export interface TimedPlan {
  readonly plan: Plan
  /** When an override ends and a ceiling falls; Infinity where none does. */
  readonly validUntil: EpochMs
}

/** An owner of limits, and how refusals call it. */
export interface Level {
  readonly limits: OwnedLimits
  readonly level: Subject['level']
  readonly name: string
}

/**
 * Everything that a call of the native door has to pass, in the order in which refusals are told: the provider's
 * limits, those of the model, then the virtual key's way up to its customer, rates before budgets, and last the
 * model's limits for this key alone.
 */
export function governancePlan(world: GovernanceWorld, call: GovernedCall, now: EpochMs): TimedPlan {
  const chain = chainOf(world, call)
  return planOf([
    ...allOf(providerLevels(world, call.provider), now),
    ...allOf(modelLevels(matching(world, call, 'global'), 'model'), now),
    ...chain.flatMap(ratesOf),
    ...chain.flatMap((level) => budgetsOf(level, now)),
    ...allOf(modelLevels(matching(world, call, 'virtual_key'), 'key_model'), now),
  ])
}

/** What holds for a provider everywhere. */
export function providerLevels(world: GovernanceWorld, provider: string): readonly Level[] {
  const limits = world.providerLimits(provider)
  return limits === null ? [] : [{ limits, level: 'provider', name: provider }]
}

/** A virtual key's permission to use a provider, as an owner of limits. */
export function configLevel(config: ProviderConfigFact): Level {
  return { limits: config, level: 'provider_config', name: config.provider }
}

/** The rows of some owners alone, in the order of a whole plan. */
export function rowsOf(levels: readonly Level[], now: EpochMs): TimedPlan {
  return planOf(allOf(levels, now))
}

/** Who stands above a virtual key. */
export function ownersOf(
  world: GovernanceWorld,
  virtualKey: VirtualKeyFact,
): { readonly team: TeamFact | null; readonly customer: CustomerFact | null } {
  const team = virtualKey.teamId === null ? null : world.team(virtualKey.teamId)
  const customerId = team?.customerId ?? virtualKey.customerId
  return { team, customer: customerId === null ? null : world.customer(customerId) }
}

function chainOf(world: GovernanceWorld, { virtualKey, provider }: GovernedCall): readonly Level[] {
  if (virtualKey === null) return []
  const { team, customer } = ownersOf(world, virtualKey)
  const config = virtualKey.providerConfigs.find((each) => each.provider === provider)
  return [
    ...(config === undefined ? [] : [configLevel(config)]),
    { limits: virtualKey, level: 'virtual_key', name: virtualKey.name },
    ...(team === null ? [] : [{ limits: team, level: 'team', name: team.name } as const]),
    ...(customer === null ? [] : [{ limits: customer, level: 'customer', name: customer.name } as const]),
  ]
}

/** The lists that a call's model is looked up in; each stays the same as long as nothing in it changes. */
export function configLists(
  world: GovernanceWorld,
  { virtualKey, model }: GovernedCall,
): readonly (readonly ModelConfigFact[])[] {
  const names = model === '*' ? ['*'] : [model, '*']
  return [
    ...names.map((name) => world.modelConfigs('global', null, name)),
    ...(virtualKey === null
      ? []
      : names.map((name) => world.modelConfigs('virtual_key', virtualKey.id, name))),
  ]
}

function matching(
  world: GovernanceWorld,
  call: GovernedCall,
  scope: ModelConfigFact['scope'],
): readonly ModelConfigFact[] {
  return configLists(world, call)
    .flat()
    .filter((config) => config.scope === scope)
    .filter(({ provider }) => provider === null || provider === call.provider)
}

function modelLevels(configs: readonly ModelConfigFact[], level: 'model' | 'key_model'): readonly Level[] {
  return configs.map((config) => ({ limits: config, level, name: config.modelName }))
}

interface TimedRow {
  readonly row: PlanRow
  /** How long its ceiling stays as it is. */
  readonly until: EpochMs
}

const never = Number.POSITIVE_INFINITY

function planOf(timed: readonly TimedRow[]): TimedPlan {
  const rows = timed.map(({ row }) => row)
  return {
    plan: { rows, isStrict: rows.some((row) => row.strict && row.metric !== 'request') },
    validUntil: timed.reduce((first, { until }) => Math.min(first, until), never),
  }
}

function allOf(levels: readonly Level[], now: EpochMs): readonly TimedRow[] {
  return levels.flatMap((level) => [...ratesOf(level), ...budgetsOf(level, now)])
}

function ratesOf({ limits: { rateLimit }, level, name }: Level): readonly TimedRow[] {
  if (rateLimit === null) return []
  return rateRows(rateLimit, { level, name }).map((row) => ({ row, until: never }))
}

function budgetsOf({ limits, level, name }: Level, now: EpochMs): readonly TimedRow[] {
  return limits.budgets.map((budget) => ({
    row: budgetRow(budget, now, { level, name }),
    until: raisedUntil(budget, now),
  }))
}

/** While an override counts its windows, to the end of this one. */
function raisedUntil(budget: BudgetFact, now: EpochMs): EpochMs {
  const isCounting = (raiseOf(budget, now)?.remainingCycles ?? null) !== null
  return isCounting ? periodOf(windowOfLimit(budget), now).endsAt : never
}
