import { z } from 'zod'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { OverrideInput } from '../../../tenancy/governance/limits/budgets.ts'
import { governanceRoute } from '../route.ts'
import { answerBudget } from './answer-budget.ts'
import { Budget, dollarsSent } from './schemas.ts'

const Override = z
  .object({
    amount: dollarsSent.nullish().describe('US dollars, by which the budget is raised.'),
    mode: z
      .string()
      .nullish()
      .meta({ enum: ['cycles', 'forever'] }),
    cycles: z.number().nullish().describe('For so many windows, the present one included.'),
  })
  .meta({ id: 'BudgetOverride', example: { amount: 50, mode: 'cycles', cycles: 1 } })

export const raisedBudget = z.object({ budget: Budget, effective_max_limit: z.number() })

export const overrideBudget = governanceRoute({
  method: 'PUT',
  path: '/api/governance/virtual-keys/{vk_id}/budgets/{budget_id}/override',
  operationId: 'overrideBudget',
  tag: 'Limits',
  summary: 'Raises a budget of a virtual key',
  description: 'For some of its windows, or for ever. Takes the place of an earlier raise.',
  body: Override,
  returns: raisedBudget,
  refuses: { 400: 'A body that is not valid', 404: 'There is no such key, or it has no such budget' },

  async handle({ params: { vk_id = '', budget_id = '' }, body, ...visit }) {
    const input = fromOverride(body)
    if (isFailure(input)) return input
    const owned = await visit.tenancy.overrideBudget(visit.operator, vk_id, budget_id, input)
    return isFailure(owned) ? owned : answerBudget(visit, owned)
  },
})

function fromOverride({ amount, mode, cycles }: z.output<typeof Override>): OverrideInput | Failure {
  if (amount == null) return { failure: 'invalid', message: 'amount is required' }
  if (mode === 'forever') return { amount, cycles: null }
  if (mode !== 'cycles') return { failure: 'invalid', message: 'mode must be one of: cycles, forever' }
  if (!Number.isSafeInteger(cycles) || Number(cycles) < 1) {
    return { failure: 'invalid', message: 'cycles must be a whole number from 1' }
  }
  return { amount, cycles: Number(cycles) }
}
