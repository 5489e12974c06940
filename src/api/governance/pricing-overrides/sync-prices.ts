import { z } from 'zod'
import { PriceCatalog } from '../../admin/catalog/schemas.ts'
import { toPriceCatalog } from '../../admin/catalog/shape.ts'
import { governanceRoute } from '../route.ts'

export const syncPrices = governanceRoute({
  method: 'POST',
  path: '/api/pricing/force-sync',
  operationId: 'syncPrices',
  tag: 'Pricing overrides',
  summary: 'Says which prices are in force',
  description:
    'Nothing is ever fetched from anywhere: prices come with the product, or are imported at `/api/admin/catalog`.',
  returns: z.object({ status: z.string(), message: z.string(), catalog: PriceCatalog }),
  refuses: {},

  async handle({ tenancy }) {
    const catalog = toPriceCatalog(tenancy.snapshot().governance)
    const { source, version, models } = catalog
    const message = `Nothing is fetched: the ${source} prices of ${models} models are in force, version ${version}`
    return { status: 'success', message, catalog }
  },
})
