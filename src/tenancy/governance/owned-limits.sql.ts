import type { Kysely, SelectQueryBuilder } from 'kysely'
import type { BudgetTable, LimitOverrideTable, RateLimitTable } from '../../store/governance-schema.ts'
import type { Schema } from '../../store/schema.ts'
import type { BudgetFact, OwnedLimits, OwnerKind, RateHalf, RateLimitFact } from './facts.ts'
import { shortestFirst } from './limit-order.ts'
import { stored } from './stored.ts'

/** Ids of owners, as a query of one column that holds text, of whatever tables. */
export type OwnerIds = Pick<
  SelectQueryBuilder<Schema, keyof Schema, Record<string, string>>,
  'isSelectQueryBuilder' | 'toOperationNode' | 'expressionType' | 'as'
>

const noLimits: OwnedLimits = { budgets: [], rateLimit: null }

/** The limits of some owners of one kind. */
export async function readOwnedLimits(
  database: Kysely<Schema>,
  kind: OwnerKind,
  owners: OwnerIds,
): Promise<(ownerId: string) => OwnedLimits> {
  const [budgets, rateLimits] = await Promise.all([
    database
      .selectFrom('budgets')
      .leftJoin('limit_overrides', 'limit_overrides.budget_id', 'budgets.id')
      .selectAll('budgets')
      .select([
        'limit_overrides.amount_whole',
        'limit_overrides.amount_pico',
        'limit_overrides.starts_at as override_starts_at',
        'limit_overrides.cycles',
      ])
      .where('owner_kind', '=', kind)
      .where('owner_id', 'in', owners)
      .execute(),
    database
      .selectFrom('rate_limits')
      .selectAll()
      .where('owner_kind', '=', kind)
      .where('owner_id', 'in', owners)
      .execute(),
  ])
  const budgetsOf = Map.groupBy(budgets, ({ owner_id }) => owner_id)
  const rateLimitOf = new Map(rateLimits.map((row) => [row.owner_id, toRateLimit(row)]))
  return (ownerId) => {
    const own = budgetsOf.get(ownerId)
    const rateLimit = rateLimitOf.get(ownerId) ?? null
    if (own === undefined) return rateLimit === null ? noLimits : { budgets: [], rateLimit }
    return { budgets: own.map(toBudget).sort(shortestFirst), rateLimit }
  }
}

type OverrideColumns = {
  [Column in 'amount_whole' | 'amount_pico']: LimitOverrideTable[Column] | null
} & { override_starts_at: number | null; cycles: number | null }

function toBudget(row: BudgetTable & OverrideColumns): BudgetFact {
  return {
    id: row.id,
    maxLimit: { whole: row.max_whole, pico: row.max_pico },
    resetDuration: row.reset_duration,
    calendarAligned: row.calendar_aligned === 1,
    strict: row.strict === 1,
    generation: row.generation,
    startsAt: row.starts_at,
    keptSince: row.kept_since,
    override:
      row.amount_whole === null || row.override_starts_at === null
        ? null
        : {
            amount: { whole: row.amount_whole, pico: row.amount_pico ?? 0 },
            startsAt: row.override_starts_at,
            cycles: row.cycles,
          },
    ...stored(row),
  }
}

function toRateLimit(row: RateLimitTable): RateLimitFact {
  return {
    id: row.id,
    tokens: halfOf(row, 'token'),
    requests: halfOf(row, 'request'),
    calendarAligned: row.calendar_aligned === 1,
    strict: row.strict === 1,
    ...stored(row),
  }
}

function halfOf(row: RateLimitTable, half: 'token' | 'request'): RateHalf | null {
  const [max, resetDuration] = [row[`${half}_max`], row[`${half}_duration`]]
  if (max === null || resetDuration === null) return null
  return {
    max,
    resetDuration,
    generation: row[`${half}_generation`],
    startsAt: row[`${half}_starts_at`],
    keptSince: row[`${half}_kept_since`],
  }
}
