import { periodOf } from '../../../limits/window.ts'
import type { GovernanceContext } from '../context.ts'
import type { BudgetFact, ModelConfigFact, VirtualKeyFact } from '../facts.ts'
import { windowOfLimit } from '../limits/limit-rows.ts'
import { type ModelUsage, readModelConfigIdsOf, readModelUsage } from './key-usage.sql.ts'
import { present } from './members.ts'

/** What a virtual key may know of itself beyond what it is. */
export interface KeyUsage {
  /** Limits of models for this key alone, oldest first. */
  modelConfigsOf(key: VirtualKeyFact): Promise<readonly ModelConfigFact[]>
  /**
   * What the key's calls have come to in a budget's present window, by model, as the ledger has it. It is added up in
   * stretches of 15 minutes: the one in which the window begins counts as a whole.
   */
  modelUsageOf(key: VirtualKeyFact, budget: BudgetFact): Promise<readonly ModelUsage[]>
}

export function keyUsageOf({ read, world, clock }: GovernanceContext): KeyUsage {
  return {
    async modelConfigsOf({ id }) {
      return present(await readModelConfigIdsOf(read, id), world().modelConfig)
    },

    modelUsageOf({ id }, budget) {
      return readModelUsage(read, id, periodOf(windowOfLimit(budget), clock()).startsAt)
    },
  }
}
