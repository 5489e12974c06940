import { type Failure, isFailure } from '../../../domain/failure.ts'
import { largestPico, readCeiling } from '../../../domain/money.ts'
import { isZero, type Quantity, toPico } from '../../../domain/quantity.ts'
import { periodOf } from '../../../limits/window.ts'
import type { Operator, Stamp, Write } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { BudgetFact, OwnedLimits, RateLimitFact, VirtualKeyFact } from '../facts.ts'
import type { Paging } from '../numbered-page.sql.ts'
import { newUuid } from '../uuid.ts'
import {
  deleteOverride,
  readKeysOfConfigs,
  readLimitPage,
  readOwner,
  touchOwner,
  writeOverride,
} from './budgets.sql.ts'
import {
  budgetsIn,
  holdingsAbove,
  holdingsOfKey,
  limitsOfOwner,
  type Owned,
  rateLimitsIn,
} from './limit-owners.ts'
import { windowOfLimit } from './limit-rows.ts'
import { readBudget } from './owned-limits.sql.ts'
import { type Owner, resetBudget } from './owned-limits.ts'

/** How much, and for how long, a budget is raised. */
export interface OverrideInput {
  /** Dollars in decimal text. */
  readonly amount: string
  /** So many windows, the present one included; null: for ever. */
  readonly cycles: number | null
}

/** Part of a list, and how long the whole is. */
export interface PartOf<Item> {
  readonly items: readonly Item[]
  readonly total: number
}

/** Budgets and rate limits, whoever owns them. */
export interface Budgets {
  /** Oldest first. Of one key and those above it, where a key is given. */
  listBudgets(key: VirtualKeyFact | null, paging: Paging): Promise<PartOf<Owned<BudgetFact>>>
  listRateLimits(key: VirtualKeyFact | null, paging: Paging): Promise<PartOf<Owned<RateLimitFact>>>
  /** It has used nothing from now on: one that follows the calendar keeps its window, any other begins a new one. */
  resetBudget(operator: Operator, id: string): Promise<Owned<BudgetFact> | Failure>
  /** Raises a budget of a virtual key, or of one of its provider configs. */
  overrideBudget(
    operator: Operator,
    keyId: string,
    budgetId: string,
    input: OverrideInput,
  ): Promise<Owned<BudgetFact> | Failure>
  endOverride(operator: Operator, keyId: string, budgetId: string): Promise<Owned<BudgetFact> | Failure>
}

const noBudget: Failure = { failure: 'not_found', what: 'budget' }
const noKey: Failure = { failure: 'not_found', what: 'virtual_key' }

export function budgetsOf(context: GovernanceContext): Budgets {
  const { read, write, world, counters, newUlid, random } = context

  const listed = async <Limit extends { readonly id: string }>(
    table: 'budgets' | 'rate_limits',
    paging: Paging,
    limitsIn: (limits: OwnedLimits) => readonly Limit[],
  ): Promise<PartOf<Owned<Limit>>> => {
    const { rows, total } = await readLimitPage(read, table, paging)
    const configs = rows.flatMap(({ owner }) => (owner.kind === 'provider_config' ? owner.id : []))
    const keys = await readKeysOfConfigs(read, configs)
    const items = rows.flatMap(({ id, owner }) => {
      const limits = limitsOfOwner(world(), owner, (config) => keys.get(config) ?? null)
      const limit = limits && limitsIn(limits).find((it) => it.id === id)
      return limit ? [{ owner, limit }] : []
    })
    return { items, total }
  }

  const cut = <Item>(all: readonly Item[], paging: Paging): PartOf<Item> => ({
    items: paging === null ? all : all.slice(paging.offset, paging.offset + paging.limit),
    total: all.length,
  })

  /** The budget after a write of it. */
  const written = async (answer: Owner | Failure, budgetId: string): Promise<Owned<BudgetFact> | Failure> => {
    if (isFailure(answer)) return answer
    const keys = await readKeysOfConfigs(read, answer.kind === 'provider_config' ? [answer.id] : [])
    const limits = limitsOfOwner(world(), answer, (config) => keys.get(config) ?? null)
    const limit = limits?.budgets.find(({ id }) => id === budgetId)
    return limit === undefined ? noBudget : { owner: answer, limit }
  }

  /** One write to a budget that is a key's, or one of its provider configs'. */
  const changeOfKey = async (
    operator: Operator,
    keyId: string,
    budgetId: string,
    action: string,
    change: (it: Write, budget: BudgetFact, begin: () => Promise<Stamp>) => Promise<Failure | null>,
  ) => {
    const answer = await write<Owner>(ofInstallation(operator), async (it) => {
      await lockGovernance(it)
      const key = world().virtualKey(keyId)
      if (key === null) return noKey
      const owner = await readOwner(it.transaction, budgetId)
      const isOfKey = holdingsOfKey(key).some((held) => isSameOwner(held.owner, owner))
      const budget = isOfKey ? await readBudget(it.transaction, budgetId) : null
      if (owner === null || budget === null) return noBudget
      const refused = await change(it, budget, async () => {
        const stamp = await it.begin()
        await touchOwner(it.transaction, owner, stamp.revision)
        return stamp
      })
      if (refused) return refused
      await it.audit(action, budgetId, { budget_id: budgetId, virtual_key_id: keyId })
      return owner
    })
    return written(answer, budgetId)
  }

  return {
    async listBudgets(key, paging) {
      return key === null
        ? listed('budgets', paging, ({ budgets }) => budgets)
        : cut(budgetsIn(holdingsAbove(world(), key)), paging)
    },

    async listRateLimits(key, paging) {
      return key === null
        ? listed('rate_limits', paging, ({ rateLimit }) => (rateLimit === null ? [] : [rateLimit]))
        : cut(rateLimitsIn(holdingsAbove(world(), key)), paging)
    },

    async resetBudget(operator, id) {
      const answer = await write<Owner>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const owner = await readOwner(it.transaction, id)
        const budget = await readBudget(it.transaction, id)
        if (owner === null || budget === null) return noBudget
        const stamp = await it.begin()
        await resetBudget({ it, stamp, operator, counters, newUlid, newId: () => newUuid(random) }, budget)
        await touchOwner(it.transaction, owner, stamp.revision)
        await it.audit('BUDGET_RESET', id, { budget_id: id })
        return owner
      })
      return written(answer, id)
    },

    overrideBudget(operator, keyId, budgetId, { amount, cycles }) {
      return changeOfKey(operator, keyId, budgetId, 'BUDGET_OVERRIDDEN', async (it, budget, begin) => {
        const raise = readAmount(amount, budget)
        if (isFailure(raise)) return raise
        const { at } = await begin()
        await writeOverride(it.transaction, {
          budget_id: budgetId,
          amount_whole: raise.whole,
          amount_pico: raise.pico,
          starts_at: periodOf(windowOfLimit(budget), at).startsAt,
          cycles,
          at,
          actor: operator.actor,
        })
        return null
      })
    },

    endOverride(operator, keyId, budgetId) {
      return changeOfKey(operator, keyId, budgetId, 'BUDGET_OVERRIDE_ENDED', async (it, _budget, begin) => {
        await begin()
        await deleteOverride(it.transaction, budgetId)
        return null
      })
    },
  }
}

function isSameOwner(one: Owner, other: Owner | null): boolean {
  return one.kind === other?.kind && one.id === other.id
}

/** More than nothing, and not more than any budget can have. */
function readAmount(text: string, { maxLimit }: BudgetFact): Quantity | Failure {
  const amount = readCeiling(text)
  if (typeof amount === 'string' || isZero(amount)) {
    return { failure: 'invalid', message: `amount must be positive: ${text}` }
  }
  if (toPico(amount) + toPico(maxLimit) > largestPico) {
    return { failure: 'invalid', message: `amount raises the budget above 9000000000: ${text}` }
  }
  return amount
}
