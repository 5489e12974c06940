import { add, compare, type Quantity, zero } from '../../../domain/quantity.ts'
import type { GovernanceContext } from '../context.ts'
import type { VirtualKeyFact } from '../facts.ts'
import { budgetRow } from '../limits/limit-rows.ts'
import { canBeStored, type Paging } from '../numbered-page.sql.ts'
import { present } from './members.ts'
import { readVirtualKeyPage, type VirtualKeyFilter, type VirtualKeyOrder } from './virtual-key-list.sql.ts'

export interface KeySort {
  readonly by: VirtualKeyOrder
  readonly isDescending: boolean
}

export interface VirtualKeyLists {
  /** `total` counts all pages. Spent is what a key's own budgets count now, in whatever windows they are. */
  listVirtualKeys(
    filter: VirtualKeyFilter,
    sort: KeySort,
    paging: Paging,
  ): Promise<{ readonly keys: readonly VirtualKeyFact[]; readonly total: number }>
}

const nothing = { keys: [], total: 0 }

export function virtualKeyListsOf(context: GovernanceContext): VirtualKeyLists {
  const { read, kind, world } = context

  return {
    async listVirtualKeys(filter, { by, isDescending }, paging) {
      const texts = [filter.teamId, filter.customerId, filter.search]
      const isNone = filter.ids?.length === 0 || texts.some((text) => text !== null && !canBeStored(text))
      if (isNone) return nothing
      if (by !== 'budget_spent') {
        const page = await readVirtualKeyPage(read, kind, filter, { by, isDescending }, paging)
        return { keys: present(page.ids, world().virtualKey), total: page.total }
      }
      const all = await readVirtualKeyPage(
        read,
        kind,
        filter,
        { by: 'created_at', isDescending: false },
        null,
      )
      const keys = await bySpending(context, present(all.ids, world().virtualKey), isDescending)
      return {
        keys: paging === null ? keys : keys.slice(paging.offset, paging.offset + paging.limit),
        total: keys.length,
      }
    },
  }
}

async function bySpending(
  { counters, clock }: GovernanceContext,
  keys: readonly VirtualKeyFact[],
  isDescending: boolean,
): Promise<VirtualKeyFact[]> {
  const now = clock()
  const readings = await counters.read(
    keys.flatMap(({ budgets }) => budgets.map((budget) => budgetRow(budget, now))),
    now,
  )
  let at = 0
  const spent = new Map<VirtualKeyFact, Quantity>()
  for (const key of keys) {
    let sum = zero
    for (const _ of key.budgets) sum = add(sum, readings[at++]?.used ?? zero)
    spent.set(key, sum)
  }
  const spentBy = (key: VirtualKeyFact) => spent.get(key) ?? zero
  const sign = isDescending ? -1 : 1
  return [...keys].sort(
    (left, right) => sign * compare(spentBy(left), spentBy(right)) || (left.id < right.id ? -1 : 1),
  )
}
