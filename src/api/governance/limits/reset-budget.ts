import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { answerBudget } from './answer-budget.ts'
import { Budget } from './schemas.ts'

export const resetBudget = governanceRoute({
  method: 'POST',
  path: '/api/governance/budgets/{budget_id}/reset',
  operationId: 'resetBudget',
  tag: 'Limits',
  summary: 'Resets a budget',
  description:
    'It has used nothing from now on. One that follows the calendar keeps its window, any other begins a new one.',
  returns: z.object({ message: z.string(), budget: Budget }),
  refuses: { 404: 'There is no such budget' },

  async handle({ params: { budget_id = '' }, ...visit }) {
    const owned = await visit.tenancy.resetBudget(visit.operator, budget_id)
    if (isFailure(owned)) return owned
    const { budget } = await answerBudget(visit, owned)
    return { message: 'Budget reset successfully', budget }
  },
})
