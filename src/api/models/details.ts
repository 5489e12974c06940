import type { Catalog } from '../../catalog/catalog.ts'
import { priceFields } from '../../catalog/price-fields.ts'
import { priceText } from '../../catalog/price-sheet.ts'
import { requestTypes } from '../../domain/request-type.ts'

/** What the catalogue knows of a model, by the first kind of request that it knows it for; nothing of others. */
export function detailsOf(
  catalog: Pick<Catalog, 'find'>,
  provider: string,
  name: string,
): Readonly<Record<string, unknown>> {
  for (const requestType of requestTypes) {
    const model = catalog.find(provider, name, requestType)
    if (model === null) continue
    const prices = priceFields.flatMap((field) => {
      const price = model.prices[field]
      return price === undefined ? [] : [[field, Number(priceText(price))] as const]
    })
    return {
      ...(model.maxInputTokens === null
        ? {}
        : { context_length: model.maxInputTokens, max_input_tokens: model.maxInputTokens }),
      ...(model.maxOutputTokens === null ? {} : { max_output_tokens: model.maxOutputTokens }),
      ...Object.fromEntries(prices),
    }
  }
  return {}
}
