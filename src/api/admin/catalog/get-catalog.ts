import { adminRoute } from '../route.ts'
import { PriceCatalog } from './schemas.ts'
import { toPriceCatalog } from './shape.ts'

export const getCatalog = adminRoute({
  method: 'GET',
  path: '/api/admin/catalog',
  operationId: 'getCatalog',
  tag: 'Catalogue',
  summary: 'Gets what is known of the catalogue',
  description: 'Which models and prices are in force. Pricing overrides stand beside it, and win.',
  returns: PriceCatalog,
  refuses: {},

  async handle({ tenancy }) {
    return toPriceCatalog(tenancy.snapshot().governance)
  },
})
