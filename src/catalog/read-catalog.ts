import type { Failure } from '../domain/failure.ts'
import type { RequestType } from '../domain/request-type.ts'
import { type Catalog, type CatalogModel, catalogOf, checksumOf } from './catalog.ts'
import { isPriceField, type PriceField } from './price-fields.ts'
import { isSheetFault, readSheet, type SheetFault } from './price-sheet.ts'

type Members = Readonly<Record<string, unknown>>

/** What is wrong, in words that follow the model's name. */
interface Fault {
  readonly fault: string
}

/**
 * Reads an operator's own sheet: a JSON object of models by name, in the members of LiteLLM's price sheet.
 *
 * Numbers are read from their text, so no digit is lost. Models of kinds that we have no requests for are left out, as
 * are members that are no price of ours. The first fault refuses the whole sheet.
 */
export function readCatalog(text: string): Catalog | Failure {
  const sheet = parse(text)
  if (!isObject(sheet)) return invalid('it is not a JSON object of models by name')

  const models = new Map<string, CatalogModel>()
  for (const [name, members] of Object.entries(sheet)) {
    if (name === 'sample_spec') continue
    const model = readModel(name, members)
    if (model === null) continue
    if ('fault' in model) return invalid(`model ${JSON.stringify(name)}: ${model.fault}`)
    models.set(`${model.provider} ${model.requestType} ${model.model.toLowerCase()}`, model)
  }
  if (models.size === 0) return invalid('it holds no model that we have requests for')

  const checksum = checksumOf([...models.values()])
  return catalogOf(`sha256-${checksum.slice(0, 12)}`, checksum, [...models.values()])
}

// The types of the language do not know of the third argument yet.
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown
const parseJson = JSON.parse as (text: string, reviver: Reviver) => unknown

/** A number as it was written. */
class NumberText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** The value that a text holds, its numbers as they were written; undefined if it is no JSON. */
function parse(text: string): unknown {
  try {
    return parseJson(text, (_key, value, { source }) =>
      typeof value === 'number' ? new NumberText(source ?? String(value)) : value,
    )
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Members {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  )
}

function invalid(fault: string): Failure {
  return { failure: 'invalid', message: `The price sheet cannot be used: ${fault}.` }
}

/** Null for a kind of model that nothing is requested of. */
function readModel(name: string, members: unknown): CatalogModel | Fault | null {
  if (!isObject(members)) return { fault: 'it is not an object' }
  const seller = members.litellm_provider ?? members.provider
  if (typeof seller !== 'string' || seller === '') return { fault: 'litellm_provider is missing' }
  const mode = members.mode ?? 'chat'
  if (typeof mode !== 'string') return { fault: 'mode is not a string' }
  const requestType = requestTypeOf.get(mode)
  if (requestType === undefined) return null

  const prices = readSheet(pricesIn(members))
  if (isSheetFault(prices)) return { fault: faultText(prices) }
  const maxInputTokens = readTokens(members.max_input_tokens)
  if (maxInputTokens === undefined) return { fault: 'max_input_tokens is not a count' }
  const maxOutputTokens = readTokens(members.max_output_tokens)
  if (maxOutputTokens === undefined) return { fault: 'max_output_tokens is not a count' }
  const provider = providerOf(seller)
  return {
    provider,
    model: nameWithoutProvider(name, seller, provider),
    requestType,
    prices,
    maxInputTokens,
    maxOutputTokens,
  }
}

const requestTypeOf: ReadonlyMap<string, RequestType> = new Map([
  ['chat', 'chat_completion'],
  ['completion', 'text_completion'],
  ['responses', 'responses'],
  ['embedding', 'embedding'],
  ['rerank', 'rerank'],
  ['audio_speech', 'speech'],
  ['audio_transcription', 'transcription'],
  ['image_generation', 'image_generation'],
  ['image_edit', 'image_edit'],
  ['video_generation', 'video_generation'],
])

/** The texts of all prices that are set; of what is no number, one that is found malformed. */
function pricesIn(members: Members): Record<string, string> {
  const prices: Partial<Record<PriceField, string>> = {}
  for (const [field, value] of Object.entries(members)) {
    if (!isPriceField(field) || value === null) continue
    const price = field === 'search_context_cost_per_query' ? searchPriceOf(value) : value
    prices[field] = price instanceof NumberText ? price.text : ''
  }
  return prices
}

/** Some sheets price a search by how much it reads: medium is what providers take if nobody asks for another. */
function searchPriceOf(value: unknown): unknown {
  return isObject(value) ? value.search_context_size_medium : value
}

function faultText({ field, fault }: SheetFault): string {
  switch (fault) {
    case 'negative':
      return `${field} is negative`
    case 'too_large':
      return `${field} is above 1000000 dollars`
    case 'malformed':
    case 'too_small':
    case 'unknown':
      return `${field} is not a number`
  }
}

/** Null if it is not said, undefined if it is no count. */
function readTokens(value: unknown): number | null | undefined {
  if (value === undefined || value === null) return null
  const tokens = value instanceof NumberText ? Number(value.text) : Number.NaN
  return Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : undefined
}

/** Providers under the names that such sheets have for them; all others are called what we call them. */
const providerNames: ReadonlyMap<string, string> = new Map([
  ['text-completion-openai', 'openai'],
  ['azure_ai', 'azure'],
  ['azure_text', 'azure'],
  ['bedrock_converse', 'bedrock'],
  ['cohere_chat', 'cohere'],
  ['fireworks_ai', 'fireworks'],
  ['fireworks_ai-embedding-models', 'fireworks'],
  ['github_copilot', 'github-copilot'],
])

function providerOf(seller: string): string {
  if (seller.startsWith('vertex_ai')) return 'vertex'
  return providerNames.get(seller) ?? seller.toLowerCase()
}

/** A sheet of many providers puts them in front of names that would meet otherwise. */
function nameWithoutProvider(name: string, seller: string, provider: string): string {
  const slash = name.indexOf('/')
  const prefix = name.slice(0, Math.max(slash, 0))
  const isProvider = prefix === seller || (prefix !== '' && providerOf(prefix) === provider)
  return isProvider ? name.slice(slash + 1) : name
}
