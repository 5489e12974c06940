import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { answerBudget } from './answer-budget.ts'
import { raisedBudget } from './override-budget.ts'

export const endOverride = governanceRoute({
  method: 'DELETE',
  path: '/api/governance/virtual-keys/{vk_id}/budgets/{budget_id}/override',
  operationId: 'endBudgetOverride',
  tag: 'Limits',
  summary: 'Ends the raise of a budget',
  description: 'Nothing happens where there is none.',
  returns: raisedBudget,
  refuses: { 404: 'There is no such key, or it has no such budget' },

  async handle({ params: { vk_id = '', budget_id = '' }, ...visit }) {
    const owned = await visit.tenancy.endOverride(visit.operator, vk_id, budget_id)
    return isFailure(owned) ? owned : answerBudget(visit, owned)
  },
})
