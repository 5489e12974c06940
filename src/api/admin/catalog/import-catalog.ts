import { isFailure } from '../../../domain/failure.ts'
import { readText } from '../../read-json.ts'
import { routesOf } from '../../route.ts'
import { parseStrictly } from '../parse.ts'
import type { AdminVisit } from '../route.ts'
import { PriceCatalog, PriceSheetText } from './schemas.ts'
import { toPriceCatalog } from './shape.ts'

/** The body is handed on as text: what is no UTF-8 is no sheet either, and is told so by whoever reads it. */
const sheetRoute = routesOf<AdminVisit>(parseStrictly, (bytes) => ({ json: readText(bytes) ?? '' }))

export const importCatalog = sheetRoute({
  method: 'PUT',
  path: '/api/admin/catalog',
  operationId: 'importCatalog',
  tag: 'Catalogue',
  summary: 'Imports a price sheet',
  description:
    'In the place of all models and prices that come with the product, from the next call on, in every instance. The first fault refuses the whole sheet. What calls have cost already stays, unless `tollgate recompute-costs` is run.',
  body: PriceSheetText,
  returns: PriceCatalog,
  refuses: { 400: 'A sheet that cannot be used' },

  async handle({ body, tenancy, operator }) {
    const imported = await tenancy.importPrices(operator, body)
    return isFailure(imported) ? imported : toPriceCatalog(tenancy.snapshot().governance)
  },
})
