import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { fromModelConfig, ModelConfig, NewModelConfig } from './schemas.ts'
import { answerModelConfig } from './shape.ts'

export const createModelConfig = governanceRoute({
  method: 'POST',
  path: '/api/governance/model-configs',
  operationId: 'createModelConfig',
  tag: 'Model configs',
  summary: 'Creates a model config',
  description:
    'Limits of a model: of all its calls, or of those of one virtual key. Those of `*` count every model together.',
  body: NewModelConfig,
  returns: z.object({ message: z.string(), model_config: ModelConfig }),
  refuses: {
    400: 'A body that is not valid, or that names what there is not',
    409: 'There is one for this model, provider and scope',
  },

  async handle({ body, ...visit }) {
    const config = await visit.tenancy.createModelConfig(visit.operator, fromModelConfig(body))
    if (isFailure(config)) return config
    return { message: 'Model config created successfully', ...(await answerModelConfig(visit, config)) }
  },
})
