import { add, type Quantity } from '../../domain/quantity.ts'
import type { EpochMs } from '../../domain/time.ts'
import { parseResetDuration, windowOf } from '../../limits/duration.ts'
import type { Plan, PlanRow, Subject, Window } from '../../limits/plan.ts'
import { endOfTime, periodOf } from '../../limits/window.ts'
import type {
  BudgetFact,
  CustomerFact,
  ModelConfigFact,
  OwnedLimits,
  ProviderConfigFact,
  RateHalf,
  RateLimitFact,
  TeamFact,
  VirtualKeyFact,
} from './facts.ts'
import { budgetCounter, rateCounter } from './limit-rows.ts'
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
  return planOf(
    [
      ...providerLevels(world, call.provider).flatMap(allRows),
      ...modelLevels(globalConfigs(world, call), 'model').flatMap(allRows),
      ...chain.flatMap(rateRows),
      ...chain.flatMap(budgetRows),
      ...modelLevels(keyConfigs(world, call), 'key_model').flatMap(allRows),
    ],
    now,
  )
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
  return planOf(levels.flatMap(allRows), now)
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

function globalConfigs(world: GovernanceWorld, call: GovernedCall): readonly ModelConfigFact[] {
  return matching(world, call, 'global')
}

function keyConfigs(world: GovernanceWorld, call: GovernedCall): readonly ModelConfigFact[] {
  return matching(world, call, 'virtual_key')
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

/** A row before its ceiling is known, which may change with time. */
interface Draft {
  readonly row: Omit<PlanRow, 'ceiling'>
  ceilingAt(now: EpochMs): { readonly ceiling: Quantity; readonly until: EpochMs }
}

function planOf(drafts: readonly Draft[], now: EpochMs): TimedPlan {
  let validUntil = Number.POSITIVE_INFINITY
  const rows = drafts.map(({ row, ceilingAt }) => {
    const { ceiling, until } = ceilingAt(now)
    validUntil = Math.min(validUntil, until)
    return { ...row, ceiling }
  })
  const isStrict = rows.some((row) => row.strict && row.metric !== 'request')
  return { plan: { rows, isStrict }, validUntil }
}

function allRows(level: Level): readonly Draft[] {
  return [...rateRows(level), ...budgetRows(level)]
}

function rateRows(level: Level): readonly Draft[] {
  const { rateLimit } = level.limits
  if (rateLimit === null) return []
  const { tokens, requests } = rateLimit
  return [
    ...(tokens === null ? [] : [rateRow(level, rateLimit, tokens, 'token')]),
    ...(requests === null ? [] : [rateRow(level, rateLimit, requests, 'request')]),
  ]
}

function rateRow(level: Level, limit: RateLimitFact, half: RateHalf, metric: 'token' | 'request'): Draft {
  const ceiling = { whole: half.max, pico: 0 }
  return {
    row: {
      ...commonOf(level, limit, half, limit.id),
      counter: rateCounter(limit.id, metric === 'token' ? 'tokens' : 'requests'),
      metric,
    },
    ceilingAt: () => ({ ceiling, until: Number.POSITIVE_INFINITY }),
  }
}

function budgetRows(level: Level): readonly Draft[] {
  return level.limits.budgets.map((budget) => {
    const row = { ...commonOf(level, budget, budget, budget.id), counter: budgetCounter(budget.id) }
    return {
      row: { ...row, metric: 'cost' as const },
      ceilingAt: (now: EpochMs) => budgetCeiling(budget, row.window, now),
    }
  })
}

function commonOf(
  { level, name }: Level,
  { calendarAligned, strict }: Pick<BudgetFact, 'calendarAligned' | 'strict'>,
  { resetDuration, generation, startsAt }: Pick<RateHalf, 'resetDuration' | 'generation' | 'startsAt'>,
  limitId: string,
) {
  return {
    generation,
    window: windowAt(resetDuration, calendarAligned, startsAt),
    unit: resetDuration,
    strict,
    refundsFailed: true,
    chargedAt: 'completion',
    subject: { level, name, limitId },
  } as const
}

function windowAt(text: string, calendarAligned: boolean, startsAt: EpochMs): Window {
  const duration = parseResetDuration(text)
  const window = duration === null ? null : windowOf(duration, calendarAligned, startsAt)
  if (window === null || 'fault' in window) throw new Error(`a stored limit resets after '${text}'`)
  return window
}

/** A budget's ceiling with what an override adds to it, and until when it does. */
function budgetCeiling(
  { maxLimit, override }: BudgetFact,
  window: Window,
  now: EpochMs,
): { readonly ceiling: Quantity; readonly until: EpochMs } {
  if (override === null) return { ceiling: maxLimit, until: Number.POSITIVE_INFINITY }
  const { amount, cycles, startsAt } = override
  const until = cycles === null ? Number.POSITIVE_INFINITY : endOf(window, startsAt, cycles)
  return now < until
    ? { ceiling: add(maxLimit, amount), until }
    : { ceiling: maxLimit, until: Number.POSITIVE_INFINITY }
}

/** The end of so many periods, from the one that `startsAt` lies in. */
function endOf(window: Window, startsAt: EpochMs, cycles: number): EpochMs {
  if (window.kind === 'rolling') return startsAt + cycles * window.lengthMs
  const first = periodOf(window, startsAt)
  if (window.kind !== 'calendar') return first.startsAt + cycles * (first.endsAt - first.startsAt)
  let end = first.endsAt
  for (let cycle = 1; cycle < cycles && end < endOfTime; cycle += 1) end = periodOf(window, end).endsAt
  return end
}
