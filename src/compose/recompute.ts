import { priceOf } from '../catalog/cost.ts'
import { priceTermsText, readPriceTerms } from '../catalog/price-terms.ts'
import type { Settings } from '../config/settings.ts'
import { largestPico } from '../domain/money.ts'
import { fromPico } from '../domain/quantity.ts'
import type { RequestType } from '../domain/request-type.ts'
import type { Range } from '../ledger/repricing.sql.ts'
import { type NewCost, type Repriced, reprice, type StoredCall } from '../ledger/repricing.ts'
import { loadPrices, type PricedWorld, priceOfModel } from '../tenancy/governance/prices/prices.ts'
import { bringUpToDate, existing, locate, withDatabase } from './maintain.ts'

/** Prices what calls of a range have used by the prices that are in force now. */
export function recomputeCosts(
  { databaseUrl }: Settings,
  range: Range,
  isDryRun: boolean,
  progress: (step: string, done: number, total: number) => void,
): Promise<Repriced> {
  return withDatabase(existing(locate(databaseUrl, 'database.url')), async (database) => {
    await bringUpToDate(database)
    const prices = await loadPrices(database.read)
    return reprice(
      database,
      range,
      (call) => costNow(prices, call),
      isDryRun,
      (done, total) => progress('calls', done, total),
    )
  })
}

function costNow(prices: PricedWorld, { usage, priceTerms, ...call }: StoredCall): NewCost {
  const { isReported, fine, isBatch, counted } = readPriceTerms(priceTerms)
  if (isReported) return 'reported'
  const requestType = call.requestType as RequestType
  const { sheet, overrideId } = priceOfModel(prices, { ...call, requestType })
  const used = { ...usage, ...fine }
  const cost = priceOf(used, sheet, { requestType, isBatch, counted })
  if (cost === null) return 'unpriced'
  if (cost.isReported) return 'reported'
  const costPico = cost.costPico > largestPico ? largestPico : cost.costPico
  return {
    cost: fromPico(costPico),
    priceTerms: priceTermsText(used, { isBatch, counted }, cost, overrideId),
  }
}
