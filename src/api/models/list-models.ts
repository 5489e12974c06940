import { z } from 'zod'
import { setupRoute } from '../setup/route.ts'
import { knownModels } from './known-models.ts'
import { modelFilter, toQuery } from './query.ts'

export const listModels = setupRoute({
  method: 'GET',
  path: '/api/models',
  operationId: 'listKnownModels',
  tag: 'Models',
  summary: 'Lists models',
  description:
    'What keys can be used for, five where `limit` does not say otherwise. `total` counts all that match.',
  query: modelFilter,
  returns: z.object({
    models: z.array(
      z.object({ name: z.string(), provider: z.string(), accessible_by_keys: z.array(z.string()) }),
    ),
    total: z.int(),
  }),
  refuses: {},

  async handle({ filter, tenancy, catalog }) {
    const found = knownModels(tenancy.snapshot().governance.providers, catalog(), toQuery(filter))
    const models = found
      .slice(0, filter.limit || 5)
      .map(({ name, provider, keys }) => ({ name, provider, accessible_by_keys: [...keys] }))
    return { models, total: found.length }
  },
})
