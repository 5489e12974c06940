import { z } from 'zod'
import { setupRoute } from '../setup/route.ts'
import { detailsOf } from './details.ts'
import { knownModels } from './known-models.ts'
import { modelFilter, toQuery } from './query.ts'

const ModelDetails = z
  .looseObject({
    name: z.string(),
    provider: z.string(),
    accessible_by_keys: z.array(z.string()),
  })
  .meta({ id: 'ModelDetails', description: 'With what the catalogue knows of the model, if it knows it.' })

export const listModelDetails = setupRoute({
  method: 'GET',
  path: '/api/models/details',
  operationId: 'listModelDetails',
  tag: 'Models',
  summary: 'Lists models with what is known of them',
  description: 'As the list of models, with limits and prices where the catalogue has them.',
  query: modelFilter,
  returns: z.object({ models: z.array(ModelDetails), total: z.int() }),
  refuses: {},

  async handle({ filter, tenancy, catalog }) {
    const found = knownModels(tenancy.snapshot().governance.providers, catalog(), toQuery(filter))
    const models = found.slice(0, filter.limit || 5).map(({ name, provider, keys }) => ({
      ...detailsOf(catalog(), provider, name),
      name,
      provider,
      accessible_by_keys: [...keys],
    }))
    return { models, total: found.length }
  },
})
