import { z } from 'zod'
import { toDollars } from '../../../domain/money.ts'
import { add, compare, type Quantity, quantityOf, subtract, zero } from '../../../domain/quantity.ts'
import type { Reading } from '../../../limits/plan.ts'
import type {
  BudgetFact,
  ModelConfigFact,
  OwnedLimits,
  RateLimitFact,
} from '../../../tenancy/governance/facts.ts'
import {
  budgetCounter,
  type Half,
  limitRows,
  rateCounter,
} from '../../../tenancy/governance/limits/limit-rows.ts'
import type { Owner } from '../../../tenancy/governance/limits/owned-limits.ts'
import type { ModelUsage } from '../../../tenancy/governance/owners/key-usage.sql.ts'
import { timestamp } from '../../text.ts'
import { Budget, RateLimit } from '../limits/schemas.ts'
import { type Counted, toBudget, toRateLimit, toTimestamp } from '../limits/shape.ts'
import { type GovernanceRequest, governanceRoute } from '../route.ts'
import { ProviderConfig } from './schemas.ts'
import { limitsShownWith, toProviderConfig } from './shape.ts'

const resetsAt = timestamp.nullable().describe('Where the next window begins; null: never.')

const QuotaBudget = Budget.extend({
  remaining: z
    .number()
    .describe('US dollars: what neither calls that have ended nor those under way have taken.'),
  resets_at: resetsAt,
}).meta({ id: 'QuotaBudget' })

const PerModelUsage = z
  .object({
    model: z.string(),
    provider: z.string(),
    total_requests: z.int(),
    total_tokens: z.int(),
    total_cost: z.number().describe('US dollars.'),
  })
  .meta({ id: 'PerModelUsage' })

const OwnBudget = QuotaBudget.extend({
  per_model_usage: z
    .array(PerModelUsage)
    .describe(
      'Of the present window, a second or two late. Usage is added up by quarters of an hour: the one in which the window begins counts as a whole.',
    ),
}).meta({ id: 'OwnQuotaBudget' })

const QuotaRateLimit = RateLimit.extend({
  token_remaining: z.int().nullable(),
  token_resets_at: resetsAt,
  request_remaining: z.int().nullable(),
  request_resets_at: resetsAt,
}).meta({ id: 'QuotaRateLimit' })

const Quota = z
  .object({
    virtual_key_name: z.string(),
    is_active: z.boolean(),
    budgets: z.array(OwnBudget).describe("The key's own."),
    rate_limit: QuotaRateLimit.nullable(),
    provider_configs: z.array(
      ProviderConfig.extend({
        budgets: z.array(QuotaBudget),
        rate_limit: QuotaRateLimit.optional(),
        keys: z.null(),
      }),
    ),
    model_configs: z
      .array(
        z.object({
          model_name: z.string(),
          provider: z.string().nullable(),
          budgets: z.array(QuotaBudget),
          rate_limit: QuotaRateLimit.nullable(),
        }),
      )
      .describe('Limits of models for this key alone.'),
    team_budgets: z.array(QuotaBudget).describe("Of the key's team, which it shares."),
    customer_budgets: z.array(QuotaBudget).describe("Of the key's customer, or its team's, which it shares."),
  })
  .meta({ id: 'VirtualKeyQuota' })

export const getQuota = governanceRoute({
  method: 'GET',
  path: '/api/governance/virtual-keys/quota',
  operationId: 'getVirtualKeyQuota',
  tag: 'Virtual keys',
  summary: 'Tells a virtual key what it has left',
  description:
    'The credential is the virtual key itself, in `x-bf-vk` or where SDKs put theirs; that of an administrator does not serve. All counts are as of now.',
  returns: Quota,
  refuses: { 403: 'The virtual key has expired' },

  async handle(request) {
    const { principal, tenancy } = request
    // Whoever else came in has no quota.
    if (principal.kind !== 'virtual_key') return { failure: 'unauthenticated', reason: 'missing' }
    const { key } = principal
    const world = tenancy.snapshot().governance
    const team = key.teamId === null ? null : world.team(key.teamId)
    const customerId = team?.customerId ?? key.customerId
    const customer = customerId === null ? null : world.customer(customerId)
    const modelConfigs = await tenancy.modelConfigsOf(key)
    const shared = [team, customer].filter((owner) => owner !== null)
    const room = await readRoom(request, [...limitsShownWith(key), ...modelConfigs, ...shared])
    const ownBudgets = await Promise.all(
      key.budgets.map(async (budget) => ({
        ...room.budget(budget, { kind: 'virtual_key', id: key.id }),
        per_model_usage: (await tenancy.modelUsageOf(key, budget)).map(toModelUsage),
      })),
    )
    const { rateLimit } = key
    return {
      virtual_key_name: key.name,
      is_active: key.isActive,
      budgets: ownBudgets,
      rate_limit: rateLimit && room.rateLimit(rateLimit),
      provider_configs: key.providerConfigs.map((config) => {
        const { rate_limit: _, ...shown } = toProviderConfig(config, {
          world,
          counted: room.counted,
          valueOf: () => '',
        })
        const owner = { kind: 'provider_config', id: String(config.id) } as const
        return {
          ...shown,
          budgets: config.budgets.map((budget) => room.budget(budget, owner)),
          ...(config.rateLimit ? { rate_limit: room.rateLimit(config.rateLimit) } : {}),
          keys: null,
        }
      }),
      model_configs: modelConfigs.map((config) => toModelQuota(config, room)),
      team_budgets: budgetsOf(team, 'team', room),
      customer_budgets: budgetsOf(customer, 'customer', room),
    }
  },
})

/** Limits with what is left of them. */
interface Room {
  readonly counted: Counted
  budget(budget: BudgetFact, owner: Owner): z.output<typeof QuotaBudget>
  rateLimit(rateLimit: RateLimitFact): z.output<typeof QuotaRateLimit>
}

async function readRoom(
  { counters, clock }: GovernanceRequest,
  owners: readonly OwnedLimits[],
): Promise<Room> {
  const now = clock()
  const rows = owners.flatMap((limits) => limitRows(limits, now))
  const readings = new Map((await counters.read(rows, now)).map((reading) => [reading.row.counter, reading]))
  const counted: Counted = { now, used: (counter) => readings.get(counter)?.used ?? zero }
  const half = (rateLimit: RateLimitFact, name: Half) => {
    const reading = readings.get(rateCounter(rateLimit.id, name))
    return { remaining: reading ? remainingOf(reading).whole : null, resetsAt: endOf(reading) }
  }
  return {
    counted,
    budget(budget, owner) {
      const reading = readings.get(budgetCounter(budget.id))
      return {
        ...toBudget(budget, owner, counted),
        remaining: toDollars(reading ? remainingOf(reading) : zero),
        resets_at: endOf(reading),
      }
    },
    rateLimit(rateLimit) {
      const [tokens, requests] = [half(rateLimit, 'tokens'), half(rateLimit, 'requests')]
      return {
        ...toRateLimit(rateLimit, counted),
        token_remaining: tokens.remaining,
        token_resets_at: tokens.resetsAt,
        request_remaining: requests.remaining,
        request_resets_at: requests.resetsAt,
      }
    },
  }
}

function remainingOf({ row, used, held }: Reading): Quantity {
  const left = subtract(row.ceiling, add(used ?? zero, held))
  return compare(left, zero) < 0 ? zero : left
}

function endOf(reading: Reading | undefined): string | null {
  const endsAt = reading?.endsAt ?? null
  return endsAt === null ? null : toTimestamp(endsAt)
}

function toModelQuota(config: ModelConfigFact, room: Room) {
  const owner = { kind: 'model_config', id: config.id } as const
  return {
    model_name: config.modelName,
    provider: config.provider,
    budgets: config.budgets.map((budget) => room.budget(budget, owner)),
    rate_limit: config.rateLimit && room.rateLimit(config.rateLimit),
  }
}

function budgetsOf(
  owner: (OwnedLimits & { readonly id: string }) | null,
  kind: 'team' | 'customer',
  room: Room,
): z.output<typeof QuotaBudget>[] {
  return owner === null ? [] : owner.budgets.map((budget) => room.budget(budget, { kind, id: owner.id }))
}

function toModelUsage(usage: ModelUsage): z.output<typeof PerModelUsage> {
  return {
    model: usage.model,
    provider: usage.provider,
    total_requests: usage.requests,
    total_tokens: usage.tokens,
    total_cost: toDollars(quantityOf(usage.costWhole, usage.costPico)),
  }
}
