import { createHash } from 'node:crypto'
import type { RequestType } from '../domain/request-type.ts'
import { priceFields } from './price-fields.ts'
import { type PriceSheet, priceText } from './price-sheet.ts'
import { type ServedNames, servedNames } from './served-names.ts'

/** What is known of a model as one provider serves it for one kind of request. */
export interface CatalogModel {
  readonly provider: string
  readonly model: string
  readonly requestType: RequestType
  /** May be empty: the provider serves it, and nobody knows for how much. */
  readonly prices: PriceSheet
  readonly maxInputTokens: number | null
  readonly maxOutputTokens: number | null
}

/** Models and their prices. Immutable; names and providers are found in any case; nothing is searched through. */
export interface Catalog {
  readonly version: string
  /** SHA-256 of all that it holds, in hex. */
  readonly checksum: string
  readonly size: number
  /** The model under its name there, else under one of those that providers use for the same thing; null if unknown. */
  find(provider: string, model: string, requestType: RequestType): CatalogModel | null
  /** Providers that serve a bare model name, whatever they call it; its makers come before those who resell it. */
  providersOf(model: string): readonly string[]
  /** What a provider calls a model of a bare name; null if it does not serve it. */
  nameAt(provider: string, model: string): string | null
  modelsOf(provider: string): readonly string[]
}

type ModelsByType = Partial<Record<RequestType, CatalogModel>>

export function catalogOf(version: string, checksum: string, models: readonly CatalogModel[]): Catalog {
  const byProvider = new Map<string, Map<string, ModelsByType>>()
  const namesOf = new Map<string, string[]>()
  for (const model of models) {
    const provider = model.provider.toLowerCase()
    const name = model.model.toLowerCase()
    const byName = entryOf(byProvider, provider, () => new Map<string, ModelsByType>())
    if (!byName.has(name)) entryOf(namesOf, provider, () => []).push(model.model)
    entryOf(byName, name, (): ModelsByType => ({}))[model.requestType] = model
  }

  const served: ServedNames = servedNames(models)
  return {
    version,
    checksum,
    size: models.length,
    find(provider, model, requestType) {
      const names = namesTried(provider.toLowerCase(), model.toLowerCase())
      const providers = providersTried(provider.toLowerCase())
      for (const type of typesTried[requestType]) {
        for (const name of names) {
          for (const id of providers) {
            const found = byProvider.get(id)?.get(name)?.[type]
            if (found !== undefined) return found
          }
        }
      }
      return null
    },
    providersOf: (model) => served.get(model.toLowerCase())?.providers ?? [],
    nameAt: (provider, model) => served.get(model.toLowerCase())?.names.get(provider.toLowerCase()) ?? null,
    modelsOf: (provider) => namesOf.get(provider.toLowerCase()) ?? [],
  }
}

/** Google sells the same models at both its doors; sheets often name only one. */
function providersTried(provider: string): readonly string[] {
  return provider === 'gemini' ? ['gemini', 'vertex'] : [provider]
}

const region = /^(?:us|us-gov|eu|apac|jp|au|ca|global)\./

/** The name itself first, then without the provider in front of it, and on Bedrock without a region and by its maker. */
function namesTried(provider: string, name: string): readonly string[] {
  const slash = name.indexOf('/')
  const names = slash < 0 ? [name] : [name, name.slice(slash + 1)]
  if (provider !== 'bedrock') return names
  return names.flatMap((full) => {
    const bare = full.replace(region, '')
    return [full, `anthropic.${full}`, bare, `anthropic.${bare}`]
  })
}

const itself = <T extends RequestType>(type: T): readonly RequestType[] => [type]

/** A sheet may know a model by one kind of request where its price is the same for another. */
const typesTried: Readonly<Record<RequestType, readonly RequestType[]>> = {
  chat_completion: itself('chat_completion'),
  text_completion: itself('text_completion'),
  responses: ['responses', 'chat_completion'],
  embedding: itself('embedding'),
  rerank: itself('rerank'),
  speech: itself('speech'),
  transcription: itself('transcription'),
  image_generation: itself('image_generation'),
  image_variation: ['image_variation', 'image_generation'],
  image_edit: ['image_edit', 'image_generation'],
  video_generation: itself('video_generation'),
  video_remix: itself('video_remix'),
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const existing = map.get(key)
  if (existing !== undefined) return existing
  const made = make()
  map.set(key, made)
  return made
}

/** A model as one line of text: what is bundled, and what the checksum is taken of. */
export function modelText(model: CatalogModel): string {
  const prices: Record<string, string> = {}
  for (const field of priceFields) {
    const price = model.prices[field]
    if (price !== undefined) prices[field] = priceText(price)
  }
  const { provider, requestType, maxInputTokens, maxOutputTokens } = model
  return JSON.stringify({
    provider,
    model: model.model,
    requestType,
    maxInputTokens,
    maxOutputTokens,
    prices,
  })
}

export function checksumOf(models: readonly CatalogModel[]): string {
  return createHash('sha256').update(models.map(modelText).join('\n')).digest('hex')
}
