import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { fromMemory, numbered, numberedPaging, numbersOf, readPaging } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { ModelConfig } from './schemas.ts'
import { showModelConfigs } from './shape.ts'

export const listModelConfigs = governanceRoute({
  method: 'GET',
  path: '/api/governance/model-configs',
  operationId: 'listModelConfigs',
  tag: 'Model configs',
  summary: 'Lists model configs',
  description: 'Oldest first. All of them, unless `limit`, `offset` or `search` is given.',
  query: z.object({
    scope: z.string().optional().describe('Of this scope only.'),
    provider: z.string().optional().describe('Of this provider only.'),
    from_memory: fromMemory,
    search: z
      .string()
      .optional()
      .describe('Part of the name of the model, whatever the case of letters from A to Z.'),
    ...numberedPaging,
  }),
  returns: z.object({ model_configs: z.array(ModelConfig), ...numbered }),
  refuses: { 400: 'A parameter that is not valid' },

  async handle({ filter, ...visit }) {
    const { tenancy, principal } = visit
    const read = readPaging(filter, (filter.search ?? '') !== '')
    if (isFailure(read)) return read
    const paging = filter.from_memory ? null : read.paging
    const { key } = visibleTo(principal, tenancy.snapshot().governance)
    const { configs, total } = await tenancy.listModelConfigs(
      {
        scope: filter.scope || null,
        provider: filter.provider || null,
        search: (!filter.from_memory && filter.search) || null,
        onlyOfKey: key?.id ?? null,
      },
      paging,
    )
    return {
      model_configs: await showModelConfigs(visit, configs),
      ...numbersOf(configs.length, total, paging),
    }
  },
})
