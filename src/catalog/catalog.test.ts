import { describe, expect, test } from 'vitest'
import type { RequestType } from '../domain/request-type.ts'
import { type CatalogModel, catalogOf, checksumOf } from './catalog.ts'

function entry(provider: string, model: string, requestType: RequestType = 'chat_completion'): CatalogModel {
  const prices = { input_cost_per_token: 1n }
  return { provider, model, requestType, prices, maxInputTokens: 1000, maxOutputTokens: null }
}

const models = [
  entry('openai', 'gpt-4o'),
  entry('openai', 'o3', 'responses'),
  entry('openai', 'dall-e-3', 'image_generation'),
  entry('openai', 'text-embedding-3-small', 'embedding'),
  entry('anthropic', 'claude-sonnet-4'),
  entry('gemini', 'gemini-2.0-flash'),
  entry('azure', 'gpt-4o'),
  entry('bedrock', 'anthropic.claude-sonnet-4-20250514-v1:0'),
  entry('bedrock', 'anthropic.claude-3-5-sonnet-20240620-v1:0'),
  entry('bedrock', 'anthropic.claude-3-5-sonnet-20241022-v2:0'),
  entry('bedrock', 'us.meta.llama3-3-70b-instruct-v1:0'),
  entry('bedrock', 'amazon.nova-lite-v1:0'),
  entry('vertex', 'gemini-2.5-pro'),
  entry('vertex', 'anthropic/claude-sonnet-4'),
  entry('groq', 'openai/gpt-oss-20b'),
  entry('openrouter', 'anthropic/claude-sonnet-4'),
  entry('openrouter', 'openai/gpt-4o'),
  entry('openrouter', 'meta-llama/llama-4-scout'),
]
const catalog = catalogOf('1', 'abc', models)

function found(provider: string, model: string, requestType: RequestType = 'chat_completion'): string | null {
  const entry = catalog.find(provider, model, requestType)
  return entry === null ? null : `${entry.provider} ${entry.model} ${entry.requestType}`
}

describe('a model is found', () => {
  test.each<[string, string, RequestType, string | null]>([
    ['openai', 'gpt-4o', 'chat_completion', 'openai gpt-4o chat_completion'],
    ['OpenAI', 'GPT-4O', 'chat_completion', 'openai gpt-4o chat_completion'],
    ['openai', 'openai/gpt-4o', 'chat_completion', 'openai gpt-4o chat_completion'],
    ['openrouter', 'openai/gpt-4o', 'chat_completion', 'openrouter openai/gpt-4o chat_completion'],
    ['mistral', 'gpt-4o', 'chat_completion', null],
    ['openai', 'gpt-4', 'chat_completion', null],
    // What a sheet prices by one kind of request.
    ['openai', 'gpt-4o', 'responses', 'openai gpt-4o chat_completion'],
    ['openai', 'o3', 'responses', 'openai o3 responses'],
    ['openai', 'o3', 'chat_completion', null],
    ['openai', 'dall-e-3', 'image_edit', 'openai dall-e-3 image_generation'],
    ['openai', 'dall-e-3', 'image_variation', 'openai dall-e-3 image_generation'],
    ['openai', 'gpt-4o', 'embedding', null],
    // Google's two doors.
    ['gemini', 'gemini-2.5-pro', 'chat_completion', 'vertex gemini-2.5-pro chat_completion'],
    ['gemini', 'google/gemini-2.5-pro', 'responses', 'vertex gemini-2.5-pro chat_completion'],
    ['gemini', 'gemini-2.0-flash', 'chat_completion', 'gemini gemini-2.0-flash chat_completion'],
    ['vertex', 'gemini-2.0-flash', 'chat_completion', null],
  ])('%s %s for %s: %s', (provider, model, requestType, expected) => {
    expect(found(provider, model, requestType)).toBe(expected)
  })

  test.each([
    ['anthropic.claude-sonnet-4-20250514-v1:0'],
    ['claude-sonnet-4-20250514-v1:0'],
    ['us.anthropic.claude-sonnet-4-20250514-v1:0'],
    ['global.anthropic.claude-sonnet-4-20250514-v1:0'],
    ['eu.claude-sonnet-4-20250514-v1:0'],
    ['bedrock/us-gov.anthropic.claude-sonnet-4-20250514-v1:0'],
  ])('on Bedrock as %s', (name) => {
    expect(found('bedrock', name)).toBe('bedrock anthropic.claude-sonnet-4-20250514-v1:0 chat_completion')
  })

  test('on Bedrock by its region, where that has a price of its own', () => {
    expect(found('bedrock', 'us.meta.llama3-3-70b-instruct-v1:0')).toContain('us.meta')
    expect(found('bedrock', 'eu.meta.llama3-3-70b-instruct-v1:0')).toBeNull()
    expect(found('bedrock', 'eu.amazon.nova-lite-v1:0')).toContain('amazon.nova-lite')
    // Elsewhere a dot is part of the name.
    expect(found('openai', 'us.gpt-4o')).toBeNull()
  })
})

describe('who serves a bare name', () => {
  test.each([
    ['gpt-4o', ['openai', 'azure', 'openrouter']],
    ['GPT-4o', ['openai', 'azure', 'openrouter']],
    ['claude-sonnet-4', ['anthropic', 'vertex', 'openrouter', 'bedrock']],
    ['claude-3-5-sonnet', ['bedrock']],
    ['gpt-oss-20b', ['groq']],
    ['anthropic/claude-sonnet-4', ['vertex', 'openrouter']],
    // Only of those families is it known that the same name means the same model.
    ['llama-4-scout', []],
    ['sonnet', []],
    ['unheard-of', []],
    ['constructor', []],
  ])('%s: %j', (model, providers) => {
    expect(catalog.providersOf(model)).toEqual(providers)
  })

  test('and what they call it', () => {
    expect(catalog.nameAt('openai', 'GPT-4o')).toBe('gpt-4o')
    expect(catalog.nameAt('OpenRouter', 'gpt-4o')).toBe('openai/gpt-4o')
    expect(catalog.nameAt('groq', 'gpt-oss-20b')).toBe('openai/gpt-oss-20b')
    expect(catalog.nameAt('bedrock', 'claude-sonnet-4')).toBe('anthropic.claude-sonnet-4-20250514-v1:0')
    expect(catalog.nameAt('bedrock', 'claude-3-5-sonnet')).toBe('anthropic.claude-3-5-sonnet-20241022-v2:0')
    expect(catalog.nameAt('mistral', 'gpt-4o')).toBeNull()
  })
})

test('a provider lists what it serves, each name once', () => {
  const twice = catalogOf('1', 'abc', [...models, entry('openai', 'gpt-4o', 'responses')])
  expect(twice.modelsOf('OpenAI')).toEqual(['gpt-4o', 'o3', 'dall-e-3', 'text-embedding-3-small'])
  expect(twice.find('openai', 'gpt-4o', 'responses')?.requestType).toBe('responses')
  expect(twice.modelsOf('nobody')).toEqual([])
  expect(twice.size).toBe(models.length + 1)
})

test('the checksum changes with anything that the catalogue holds', () => {
  const [first, ...others] = models
  const changed = [
    { ...first!, model: 'gpt-4' },
    { ...first!, prices: { input_cost_per_token: 2n } },
    { ...first!, maxInputTokens: null },
    { ...first!, requestType: 'responses' as const },
  ]
  const sums = [models, ...changed.map((model) => [model, ...others])].map(checksumOf)
  expect(new Set(sums).size).toBe(changed.length + 1)
  expect(checksumOf([...models])).toBe(sums[0])
})
