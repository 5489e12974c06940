import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { dollarsText } from '../domain/money.ts'
import { fromPico } from '../domain/quantity.ts'
import { type RequestType, requestTypes } from '../domain/request-type.ts'
import { nothingUsed } from '../domain/usage.ts'
import { bundledCatalog } from './bundled.ts'
import { isPriced, priceOf } from './cost.ts'
import { priceText } from './price-sheet.ts'

const text = readFileSync(new URL('./catalog.json', import.meta.url), 'utf8')
const lines = text
  .split('\n')
  .filter((line) => line.startsWith('{"provider"'))
  .map((line) => line.replace(/,$/, ''))

interface Line {
  readonly provider: string
  readonly model: string
  readonly requestType: RequestType
  readonly prices: Readonly<Record<string, string>>
}

const rows = lines.map((line) => JSON.parse(line) as Line)
const catalog = bundledCatalog()

test('the bundled data are what their checksum says', () => {
  expect(createHash('sha256').update(lines.join('\n')).digest('hex')).toBe(catalog.checksum)
  expect(catalog.version).toMatch(/^\d{4}-\d{2}-\d{2}$/)
  expect(catalog.size).toBe(lines.length)
  expect(JSON.parse(text).models).toHaveLength(lines.length)
})

test('each model stands once and is found under its own name, with its own prices', () => {
  const keys = rows.map(({ provider, model, requestType }) => `${provider} ${requestType} ${model}`)
  expect(new Set(keys.map((key) => key.toLowerCase())).size).toBe(rows.length)
  for (const { provider, model, requestType, prices } of rows) {
    expect(requestTypes).toContain(requestType)
    const found = catalog.find(provider, model, requestType)
    expect(found, model).toMatchObject({ provider, model, requestType })
    const texts = Object.entries(found?.prices ?? {}).map(([field, price]) => [field, priceText(price)])
    expect(Object.fromEntries(texts)).toEqual(prices)
    expect(catalog.nameAt(provider, model)).toBe(model)
  }
})

test('what has prices can be priced; the rest costs nobody anything by mistake', () => {
  const unpriced = rows.filter(({ provider, model, requestType }) => {
    const found = catalog.find(provider, model, requestType)
    return found !== null && !isPriced(found.prices, requestType)
  })
  expect(unpriced.length).toBeLessThan(rows.length / 10)
  expect(unpriced.filter(({ prices }) => Object.keys(prices).length > 0)).toEqual([])
})

test.each([
  ['openai', 'gpt-4o', 'chat_completion', '0.0125'],
  ['openai', 'gpt-4o', 'responses', '0.0125'],
  ['openai', 'text-embedding-3-small', 'embedding', '0.00002'],
  ['openai', 'text-embedding-3-large', 'embedding', '0.00013'],
  ['azure', 'text-embedding-ada-002', 'embedding', '0.0001'],
  ['anthropic', 'claude-sonnet-4-0', 'chat_completion', '0.018'],
  ['bedrock', 'us.anthropic.claude-sonnet-4-20250514-v1:0', 'chat_completion', '0.018'],
  ['vertex', 'gemini-2.5-pro', 'chat_completion', '0.01125'],
  ['cohere', 'command-r-08-2024', 'chat_completion', '0.00075'],
] as const)('a thousand tokens each way of %s %s as %s: %s dollars', (provider, model, requestType, cost) => {
  const usage = { ...nothingUsed, input: 1000, output: requestType === 'embedding' ? 0 : 1000 }
  const prices = catalog.find(provider, model, requestType)?.prices ?? null
  const priced = priceOf(usage, prices, { requestType, isBatch: false })
  expect(priced === null ? null : dollarsText(fromPico(priced.costPico))).toBe(cost)
})

test('prices of long prompts are those of the sheet', () => {
  expect(catalog.find('anthropic', 'claude-sonnet-4-20250514', 'chat_completion')?.prices).toMatchObject({
    input_cost_per_token_above_200k_tokens: 6_000_000_000_000n,
    cache_creation_input_token_cost_above_1hr: 6_000_000_000_000n,
  })
})

test('bare names lead to those who serve them', () => {
  expect(catalog.providersOf('gpt-4o-mini')).toEqual(['openai', 'azure', 'openrouter'])
  expect(catalog.providersOf('claude-sonnet-4')).toContain('bedrock')
  expect(catalog.providersOf('gpt-oss-120b')).toContain('groq')
  expect(catalog.modelsOf('deepseek')).toEqual(['deepseek-chat', 'deepseek-reasoner'])
})
