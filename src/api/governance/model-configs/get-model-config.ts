import { z } from 'zod'
import { fromMemory } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { ModelConfig } from './schemas.ts'
import { answerModelConfig, seesModelConfig } from './shape.ts'

export const getModelConfig = governanceRoute({
  method: 'GET',
  path: '/api/governance/model-configs/{mc_id}',
  operationId: 'getModelConfig',
  tag: 'Model configs',
  summary: 'Gets a model config',
  description: 'With its limits.',
  query: z.object({ from_memory: fromMemory }),
  returns: z.object({ model_config: ModelConfig }),
  refuses: { 404: 'There is no such model config' },

  async handle({ params: { mc_id = '' }, ...visit }) {
    const world = visit.tenancy.snapshot().governance
    const config = world.modelConfig(mc_id)
    const isSeen = config !== null && seesModelConfig(visibleTo(visit.principal, world), config)
    return isSeen ? answerModelConfig(visit, config) : { failure: 'not_found', what: 'model_config' }
  },
})
