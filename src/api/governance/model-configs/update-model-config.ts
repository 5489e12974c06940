import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { fromModelConfig, ModelConfig, ModelConfigChange } from './schemas.ts'
import { answerModelConfig } from './shape.ts'

export const updateModelConfig = governanceRoute({
  method: 'PUT',
  path: '/api/governance/model-configs/{mc_id}',
  operationId: 'updateModelConfig',
  tag: 'Model configs',
  summary: 'Updates a model config',
  description:
    'Members that are left out stay as they are. Budgets and rate limits that stay keep what they have counted.',
  body: ModelConfigChange,
  returns: z.object({ message: z.string(), model_config: ModelConfig }),
  refuses: {
    400: 'A body that is not valid, or that names what there is not',
    404: 'There is no such model config',
    409: 'There is another for this model, provider and scope',
  },

  async handle({ params: { mc_id = '' }, body, ...visit }) {
    const config = await visit.tenancy.updateModelConfig(visit.operator, mc_id, fromModelConfig(body))
    if (isFailure(config)) return config
    return { message: 'Model config updated successfully', ...(await answerModelConfig(visit, config)) }
  },
})
