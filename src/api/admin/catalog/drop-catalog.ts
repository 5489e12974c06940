import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { PriceCatalog } from './schemas.ts'
import { toPriceCatalog } from './shape.ts'

export const dropCatalog = adminRoute({
  method: 'DELETE',
  path: '/api/admin/catalog',
  operationId: 'dropCatalog',
  tag: 'Catalogue',
  summary: 'Brings the bundled catalogue back',
  description: 'From the next call on. Also where nothing was imported.',
  returns: PriceCatalog,
  refuses: {},

  async handle({ tenancy, operator }) {
    const failure = await tenancy.dropPrices(operator)
    return isFailure(failure) ? failure : toPriceCatalog(tenancy.snapshot().governance)
  },
})
