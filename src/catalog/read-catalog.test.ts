import { describe, expect, test } from 'vitest'
import { isFailure } from '../domain/failure.ts'
import type { Catalog } from './catalog.ts'
import { readCatalog } from './read-catalog.ts'

function read(text: string): Catalog {
  const catalog = readCatalog(text)
  if (isFailure(catalog)) throw new Error(JSON.stringify(catalog))
  return catalog
}

describe("an operator's own sheet", () => {
  test('is read to the last digit', () => {
    const catalog = read(`{
      "sample_spec": { "litellm_provider": "one of these", "max_input_tokens": "as many as it takes" },
      "house-model": {
        "litellm_provider": "house", "mode": "chat", "max_input_tokens": 8192, "max_output_tokens": 1e3,
        "input_cost_per_token": 0.000000123456789012, "output_cost_per_token": 3e-07,
        "cache_read_input_token_cost": null, "supports_vision": true, "tiered_pricing": [{ "range": [0, 1] }]
      }
    }`)
    expect(catalog.size).toBe(1)
    expect(catalog.find('house', 'House-Model', 'chat_completion')).toEqual({
      provider: 'house',
      model: 'house-model',
      requestType: 'chat_completion',
      prices: { input_cost_per_token: 123_456_789_012n, output_cost_per_token: 300_000_000_000n },
      maxInputTokens: 8192,
      maxOutputTokens: 1000,
    })
  })

  test.each([
    ['vertex_ai/claude-opus-4', 'vertex_ai-anthropic_models', 'vertex', 'claude-opus-4'],
    ['gemini/gemini-2.5-pro', 'gemini', 'gemini', 'gemini-2.5-pro'],
    ['anthropic.claude-v2', 'bedrock_converse', 'bedrock', 'anthropic.claude-v2'],
    ['openrouter/openai/gpt-4o', 'openrouter', 'openrouter', 'openai/gpt-4o'],
    ['fireworks_ai/accounts/x', 'fireworks_ai', 'fireworks', 'accounts/x'],
    ['azure/gpt-4o', 'azure', 'azure', 'gpt-4o'],
    ['meta/llama', 'my-vllm', 'my-vllm', 'meta/llama'],
    ['gpt-4o', 'openai', 'openai', 'gpt-4o'],
  ])('calls %s of %s: %s %s', (name, seller, provider, model) => {
    const catalog = read(JSON.stringify({ [name]: { litellm_provider: seller, input_cost_per_token: 1 } }))
    expect(catalog.modelsOf(provider)).toEqual([model])
  })

  test.each([
    ['embedding', 'embedding'],
    ['completion', 'text_completion'],
    ['audio_transcription', 'transcription'],
    ['image_generation', 'image_generation'],
  ] as const)('takes mode %s as %s', (mode, requestType) => {
    const catalog = read(JSON.stringify({ m: { provider: 'p', mode } }))
    expect(catalog.find('p', 'm', requestType)).not.toBeNull()
  })

  test('leaves out what nothing is requested of', () => {
    const catalog = read(
      JSON.stringify({ m: { provider: 'p' }, judge: { provider: 'p', mode: 'moderation' } }),
    )
    expect(catalog.modelsOf('p')).toEqual(['m'])
  })

  test('may price a search by its size', () => {
    const search_context_cost_per_query = {
      search_context_size_low: 0.03,
      search_context_size_medium: 0.035,
      search_context_size_high: 0.05,
    }
    const catalog = read(JSON.stringify({ m: { provider: 'p', search_context_cost_per_query } }))
    const prices = catalog.find('p', 'm', 'chat_completion')?.prices
    expect(prices).toEqual({ search_context_cost_per_query: 35n * 10n ** 15n })
  })

  test('has a version and a checksum of what it says, not of how it is written', () => {
    const one = read('{"m":{"provider":"p","input_cost_per_token":0.000001}}')
    const same = read('{ "m": { "input_cost_per_token": 1e-6, "provider": "p", "note": "x" } }')
    const other = read('{"m":{"provider":"p","input_cost_per_token":0.000002}}')
    expect(one.checksum).toMatch(/^[0-9a-f]{64}$/)
    expect(one.version).toBe(`sha256-${one.checksum.slice(0, 12)}`)
    expect(same.checksum).toBe(one.checksum)
    expect(other.checksum).not.toBe(one.checksum)
  })
})

describe('a sheet that cannot be used is refused with its first fault', () => {
  test.each([
    ['{', 'it is not a JSON object of models by name'],
    ['[]', 'it is not a JSON object of models by name'],
    ['{}', 'it holds no model that we have requests for'],
    ['{"m":5}', 'model "m": it is not an object'],
    ['{"m":{"mode":"chat"}}', 'model "m": litellm_provider is missing'],
    ['{"m":{"provider":5}}', 'model "m": litellm_provider is missing'],
    ['{"m":{"provider":"p","mode":1}}', 'model "m": mode is not a string'],
    ['{"m":{"provider":"p","input_cost_per_token":-1}}', 'model "m": input_cost_per_token is negative'],
    ['{"m":{"provider":"p","input_cost_per_token":"?"}}', 'model "m": input_cost_per_token is not a number'],
    ['{"m":{"provider":"p","input_cost_per_token":"1"}}', 'model "m": input_cost_per_token is not a number'],
    ['{"m":{"provider":"p","input_cost_per_token":{}}}', 'model "m": input_cost_per_token is not a number'],
    ['{"m":{"provider":"p","input_cost_per_token":true}}', 'model "m": input_cost_per_token is not a number'],
    [
      '{"m":{"provider":"p","search_context_cost_per_query":{}}}',
      'model "m": search_context_cost_per_query is not a number',
    ],
    [
      '{"m":{"provider":"p","output_cost_per_image":2e6}}',
      'model "m": output_cost_per_image is above 1000000 dollars',
    ],
    ['{"m":{"provider":"p","max_input_tokens":1.5}}', 'model "m": max_input_tokens is not a count'],
    ['{"m":{"provider":"p","max_output_tokens":-1}}', 'model "m": max_output_tokens is not a count'],
    ['{"m":{"provider":"p","max_output_tokens":[]}}', 'model "m": max_output_tokens is not a count'],
  ])('%s', (text, fault) => {
    const message = `The price sheet cannot be used: ${fault}.`
    expect(readCatalog(text)).toEqual({ failure: 'invalid', message })
  })
})
