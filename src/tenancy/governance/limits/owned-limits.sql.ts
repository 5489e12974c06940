import type { Kysely, SelectQueryBuilder, Transaction } from 'kysely'
import type {
  BudgetTable,
  LimitAdjustmentTable,
  LimitGenerationTable,
  LimitOverrideTable,
  RateLimitTable,
} from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { BudgetFact, OwnedLimits, OwnerKind, RateHalf, RateLimitFact } from '../facts.ts'
import { stored } from '../stored.ts'
import { shortestFirst } from './limit-order.ts'
import { budgetCounter, type Half, halves, rateCounter } from './limit-rows.ts'

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
    selectBudgets(database).where('owner_kind', '=', kind).where('owner_id', 'in', owners).execute(),
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

/** As it is within a write; null where there is no such budget. */
export async function readBudget(transaction: Transaction<Schema>, id: string): Promise<BudgetFact | null> {
  const row = await selectBudgets(transaction).where('budgets.id', '=', id).executeTakeFirst()
  return row === undefined ? null : toBudget(row)
}

function selectBudgets(database: Kysely<Schema>) {
  return database
    .selectFrom('budgets')
    .leftJoin('limit_overrides', 'limit_overrides.budget_id', 'budgets.id')
    .selectAll('budgets')
    .select([
      'limit_overrides.amount_whole',
      'limit_overrides.amount_pico',
      'limit_overrides.starts_at as override_starts_at',
      'limit_overrides.cycles',
    ])
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

/** Whose a limit is, as its row has it. */
interface OwnerOfRow {
  readonly kind: OwnerKind
  readonly id: string
}

export async function insertBudget(
  transaction: Transaction<Schema>,
  owner: OwnerOfRow,
  budget: BudgetFact,
): Promise<void> {
  await transaction
    .insertInto('budgets')
    .values({
      id: budget.id,
      owner_kind: owner.kind,
      owner_id: owner.id,
      created_at: budget.createdAt,
      ...budgetColumns(budget),
    })
    .execute()
}

export async function updateBudget(transaction: Transaction<Schema>, budget: BudgetFact): Promise<void> {
  await transaction.updateTable('budgets').set(budgetColumns(budget)).where('id', '=', budget.id).execute()
}

function budgetColumns(
  budget: BudgetFact,
): Omit<BudgetTable, 'id' | 'owner_kind' | 'owner_id' | 'created_at'> {
  return {
    max_whole: budget.maxLimit.whole,
    max_pico: budget.maxLimit.pico,
    reset_duration: budget.resetDuration,
    calendar_aligned: budget.calendarAligned ? 1 : 0,
    strict: budget.strict ? 1 : 0,
    generation: budget.generation,
    starts_at: budget.startsAt,
    kept_since: budget.keptSince,
    config_hash: budget.configHash,
    updated_at: budget.updatedAt,
  }
}

/** With what was noted about them. */
export async function deleteBudgets(
  transaction: Transaction<Schema>,
  budgets: readonly BudgetFact[],
): Promise<void> {
  if (budgets.length === 0) return
  const ids = budgets.map(({ id }) => id)
  await transaction.deleteFrom('budgets').where('id', 'in', ids).execute()
  await transaction.deleteFrom('limit_overrides').where('budget_id', 'in', ids).execute()
  await deleteCounters(transaction, ids.map(budgetCounter))
}

export async function insertRateLimit(
  transaction: Transaction<Schema>,
  owner: OwnerOfRow,
  rateLimit: RateLimitFact,
): Promise<void> {
  await transaction
    .insertInto('rate_limits')
    .values({
      id: rateLimit.id,
      owner_kind: owner.kind,
      owner_id: owner.id,
      created_at: rateLimit.createdAt,
      ...rateLimitColumns(rateLimit),
      ...countedColumns('token', rateLimit.tokens ?? notCounting(rateLimit.requests)),
      ...countedColumns('request', rateLimit.requests ?? notCounting(rateLimit.tokens)),
    })
    .execute()
}

/** A half that a limit does not begin with: should it come, it is of a later generation than the other was made in. */
function notCounting(other: RateHalf | null) {
  const generation = other?.generation ?? 0
  return { generation, startsAt: 0, keptSince: generation }
}

/** A half that is taken away leaves behind which generation it was in. */
export async function updateRateLimit(
  transaction: Transaction<Schema>,
  rateLimit: RateLimitFact,
): Promise<void> {
  await transaction
    .updateTable('rate_limits')
    .set({
      ...rateLimitColumns(rateLimit),
      ...(rateLimit.tokens && countedColumns('token', rateLimit.tokens)),
      ...(rateLimit.requests && countedColumns('request', rateLimit.requests)),
    })
    .where('id', '=', rateLimit.id)
    .execute()
}

function rateLimitColumns(rateLimit: RateLimitFact) {
  return {
    token_max: rateLimit.tokens?.max ?? null,
    token_duration: rateLimit.tokens?.resetDuration ?? null,
    request_max: rateLimit.requests?.max ?? null,
    request_duration: rateLimit.requests?.resetDuration ?? null,
    calendar_aligned: rateLimit.calendarAligned ? 1 : 0,
    strict: rateLimit.strict ? 1 : 0,
    config_hash: rateLimit.configHash,
    updated_at: rateLimit.updatedAt,
  }
}

type CountedColumns<Name extends 'token' | 'request'> = Pick<
  RateLimitTable,
  `${Name}_generation` | `${Name}_starts_at` | `${Name}_kept_since`
>

function countedColumns<Name extends 'token' | 'request'>(
  name: Name,
  { generation, startsAt, keptSince }: Pick<RateHalf, 'generation' | 'startsAt' | 'keptSince'>,
): CountedColumns<Name> {
  return {
    [`${name}_generation`]: generation,
    [`${name}_starts_at`]: startsAt,
    [`${name}_kept_since`]: keptSince,
  } as CountedColumns<Name>
}

/** The last generation of each half, of those that were taken away too. */
export async function readRateGenerations(
  transaction: Transaction<Schema>,
  id: string,
): Promise<Readonly<Record<Half, number>>> {
  const row = await transaction
    .selectFrom('rate_limits')
    .select(['token_generation', 'request_generation'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return { tokens: row.token_generation, requests: row.request_generation }
}

export async function deleteRateLimits(
  transaction: Transaction<Schema>,
  rateLimits: readonly RateLimitFact[],
): Promise<void> {
  if (rateLimits.length === 0) return
  const ids = rateLimits.map(({ id }) => id)
  await transaction.deleteFrom('rate_limits').where('id', 'in', ids).execute()
  await deleteCounters(
    transaction,
    ids.flatMap((id) => halves.map((half) => rateCounter(id, half))),
  )
}

async function deleteCounters(transaction: Transaction<Schema>, counters: readonly string[]): Promise<void> {
  await transaction.deleteFrom('limit_generations').where('counter', 'in', counters).execute()
  await transaction.deleteFrom('limit_adjustments').where('counter', 'in', counters).execute()
}

export async function insertGeneration(
  transaction: Transaction<Schema>,
  row: LimitGenerationTable,
): Promise<void> {
  await transaction.insertInto('limit_generations').values(row).execute()
}

export async function insertAdjustment(
  transaction: Transaction<Schema>,
  row: LimitAdjustmentTable,
): Promise<void> {
  await transaction.insertInto('limit_adjustments').values(row).execute()
}
