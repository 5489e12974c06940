import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'

export const deleteModelConfig = governanceRoute({
  method: 'DELETE',
  path: '/api/governance/model-configs/{mc_id}',
  operationId: 'deleteModelConfig',
  tag: 'Model configs',
  summary: 'Deletes a model config',
  description: 'Its limits go with it.',
  returns: z.object({ message: z.string() }),
  refuses: { 404: 'There is no such model config' },

  async handle({ params: { mc_id = '' }, tenancy, operator }) {
    const deleted = await tenancy.deleteModelConfig(operator, mc_id)
    return isFailure(deleted) ? deleted : { message: 'Model config deleted successfully' }
  },
})
