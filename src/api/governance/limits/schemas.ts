import { z } from 'zod'
import type {
  BudgetInput,
  LimitsInput,
  RateLimitInput,
} from '../../../tenancy/governance/limits/limits-plan.ts'
import { JsonNumber } from '../../exact-json.ts'
import { timestamp } from '../../text.ts'

/** Dollars as they are sent: decimal text. */
export const dollarsSent = z
  .instanceof(JsonNumber, { error: 'must be a number' })
  .transform(({ text }) => text)
  .meta({ type: 'number' })

const resetDuration = z
  .string()
  .describe('After how long it counts afresh: `30s`, `5m`, `1h30m`, `1d`, `1w`, `1M`, `1Y`. `M` has 30 days.')
const calendarAligned = z
  .boolean()
  .describe('It counts afresh with the day, week, month or year in UTC, and not so long after it began.')
const strictly = z.boolean().describe('Never overrun, not even by calls in flight.')

const BudgetWish = z
  .object({
    id: z.string().nullish().describe('Of a budget of this owner, which it changes.'),
    max_limit: dollarsSent.nullish().describe('US dollars.'),
    reset_duration: resetDuration.nullish(),
    calendar_aligned: calendarAligned.nullish(),
    strict: strictly.nullish(),
  })
  .meta({ id: 'BudgetWish', example: { max_limit: 500, reset_duration: '1M', calendar_aligned: true } })

const count = z.number().describe('A whole number.')

const RateLimitWish = z
  .object({
    token_max_limit: count.nullish(),
    token_reset_duration: resetDuration.nullish(),
    request_max_limit: count.nullish(),
    request_reset_duration: resetDuration.nullish(),
    calendar_aligned: calendarAligned.nullish(),
    strict: strictly.nullish(),
  })
  .meta({ id: 'RateLimitWish', example: { request_max_limit: 60, request_reset_duration: '1m' } })

/** Members by which any owner's limits are set. */
export const limitMembers = {
  budget: BudgetWish.nullish().describe('The older form, for an owner of one budget. `{}` takes it away.'),
  budgets: z.array(BudgetWish).nullish().describe('All budgets that there are to be.'),
  rate_limit: RateLimitWish.nullish().describe('Replaces all four members. `{}` takes it away.'),
  calendar_aligned: z.boolean().nullish().describe('Of all budgets that do not say it themselves.'),
}

/** The same, for an owner that is there already. */
export const limitChangeMembers = {
  ...limitMembers,
  reset_budget_usage: z
    .boolean()
    .nullish()
    .describe('Its budgets have used nothing, in the windows that they are in.'),
}

type LimitMembers = z.output<z.ZodObject<typeof limitMembers>> & {
  reset_budget_usage?: boolean | null | undefined
}

/** Limits as a caller sends them, as the wish that they are. Null is as good as nothing. */
export function fromLimits(body: LimitMembers): LimitsInput {
  const { budget, budgets, rate_limit } = body
  return {
    budget: budget ? fromBudget(budget) : undefined,
    budgets: budgets?.map(fromBudget),
    rateLimit: rate_limit ? fromRateLimit(rate_limit) : undefined,
    calendarAligned: body.calendar_aligned ?? undefined,
    resetsUsage: body.reset_budget_usage ?? undefined,
  }
}

function fromBudget(budget: z.output<typeof BudgetWish>): BudgetInput {
  return {
    id: budget.id ?? undefined,
    // A ceiling that is null takes a budget away.
    maxLimit: budget.max_limit,
    resetDuration: budget.reset_duration ?? undefined,
    calendarAligned: budget.calendar_aligned ?? undefined,
    strict: budget.strict ?? undefined,
  }
}

function fromRateLimit(limit: z.output<typeof RateLimitWish>): RateLimitInput {
  return {
    tokens: { max: limit.token_max_limit ?? null, resetDuration: limit.token_reset_duration ?? null },
    requests: { max: limit.request_max_limit ?? null, resetDuration: limit.request_reset_duration ?? null },
    calendarAligned: limit.calendar_aligned ?? undefined,
    strict: limit.strict ?? undefined,
  }
}

const dollars = z.number().describe('US dollars.')
const configHash = z.string().nullable().describe('Of its entry in the configuration file; null without one.')
export const stampMembers = { config_hash: configHash, created_at: timestamp, updated_at: timestamp }

export const Budget = z
  .object({
    id: z.string(),
    max_limit: dollars,
    reset_duration: resetDuration,
    calendar_aligned: calendarAligned,
    last_reset: timestamp.describe('Where the present window begins.'),
    current_usage: dollars.describe('US dollars, in the present window, up to the last call that has ended.'),
    strict: strictly.optional(),
    config_hash: configHash,
    virtual_key_id: z.string().optional(),
    provider_config_id: z.int().optional(),
    team_id: z.string().optional(),
    customer_id: z.string().optional(),
    model_config_id: z.string().optional(),
    provider: z.string().optional(),
    created_at: timestamp,
    updated_at: timestamp,
    override_max_limit: dollars.optional().describe('By which it is raised for now.'),
    override_mode: z.enum(['cycles', 'forever']).optional(),
    override_remaining_cycles: z.int().optional().describe('Windows, the present one included.'),
    effective_max_limit: dollars.optional(),
  })
  .meta({ id: 'Budget', description: 'A ceiling in dollars.' })

export const RateLimit = z
  .object({
    id: z.string(),
    token_max_limit: z.int().nullable(),
    token_reset_duration: resetDuration.nullable(),
    token_current_usage: z.int(),
    token_last_reset: timestamp,
    request_max_limit: z.int().nullable(),
    request_reset_duration: resetDuration.nullable(),
    request_current_usage: z.int(),
    request_last_reset: timestamp,
    calendar_aligned: calendarAligned.optional(),
    strict: strictly.optional(),
    ...stampMembers,
  })
  .meta({ id: 'OwnedRateLimit', description: 'A ceiling on tokens, on requests, or one on each.' })

/** Members by which an owner shows its limits; where it has none, they are left out. */
export const shownLimits = {
  budget_id: z.string().optional(),
  budget: Budget.optional().describe('The first of `budgets`.'),
  budgets: z.array(Budget).optional().describe('By ascending length of their windows.'),
  rate_limit_id: z.string().optional(),
  rate_limit: RateLimit.optional(),
}
