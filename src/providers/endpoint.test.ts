import { describe, expect, test } from 'vitest'
import type { NativeOperation } from '../dialects/openai-native/operation.ts'
import { type ConfiguredProvider, endpointOf, serves } from './endpoint.ts'
import { isKnownProvider, knownProviders } from './table.ts'

function provider(name: string, settings: ConfiguredProvider['settings'] = {}): ConfiguredProvider {
  return { name, settings }
}

function addressOf(
  configured: ConfiguredProvider,
  operation: NativeOperation = 'chat_completion',
  keyAddress: string | null = null,
): string {
  const found = endpointOf(configured, operation, keyAddress)
  return 'problem' in found ? found.problem : found.href
}

const at = (base_url: string) => ({ network_config: { base_url } })
const modelledOn = (base_provider_type: string, more = {}) => ({
  custom_provider_config: { base_provider_type, ...more },
})

describe('the address of a provider', () => {
  test.each([
    ['openai', 'https://api.openai.com/v1/chat/completions'],
    ['groq', 'https://api.groq.com/openai/v1/chat/completions'],
    ['openrouter', 'https://openrouter.ai/api/v1/chat/completions'],
    ['perplexity', 'https://api.perplexity.ai/chat/completions'],
    ['ollama', 'unaddressed'],
    ['azure', 'unaddressed'],
  ])('%s is the vendor’s unless told', (name, address) => {
    expect(addressOf(provider(name))).toBe(address)
  })

  test('is one’s own, with or without its version', () => {
    const chat = 'http://a.example/v1/chat/completions'
    for (const base of [
      'http://a.example',
      'http://a.example/',
      'http://a.example/v1',
      'http://a.example/v1/',
    ])
      expect(addressOf(provider('openai', at(base)))).toBe(chat)
    expect(addressOf(provider('openai', at('http://a.example/v1')), 'embedding')).toBe(
      'http://a.example/v1/embeddings',
    )
  })

  test('may go with the key', () => {
    expect(addressOf(provider('azure'), 'responses', 'https://x.openai.azure.com/')).toBe(
      'https://x.openai.azure.com/openai/v1/responses',
    )
    expect(addressOf(provider('vllm'), 'text_completion', 'http://10.0.0.1:8000')).toBe(
      'http://10.0.0.1:8000/v1/completions',
    )
  })

  test('of one that is modelled on another is never the other’s', () => {
    expect(addressOf(provider('mine', modelledOn('openai')))).toBe('unaddressed')
    const paths = {
      request_path_overrides: { chat_completion: '/v2/chat', embedding: 'https://b.example/e' },
    }
    const mine = provider('mine', { ...modelledOn('openai', paths), ...at('https://a.example') })
    expect(addressOf(mine)).toBe('https://a.example/v2/chat')
    expect(addressOf(mine, 'embedding')).toBe('https://b.example/e')
  })
})

describe('what a provider may be asked for', () => {
  test('is what it can do', () => {
    expect(serves(provider('openai'), 'responses', true)).toBe(true)
    expect(serves(provider('deepseek'), 'embedding', false)).toBe(false)
    expect(serves(provider('anthropic'), 'chat_completion', false)).toBe(false)
    expect(serves(provider('mine', modelledOn('gemini')), 'chat_completion', false)).toBe(false)
  })

  test('is what its owner allows: everything, nothing, or what is true', () => {
    const allowing = (allowed_requests: Record<string, boolean>) =>
      provider('mine', modelledOn('openai', { allowed_requests }))
    expect(serves(provider('mine', modelledOn('openai')), 'embedding', false)).toBe(true)
    expect(serves(allowing({}), 'chat_completion', false)).toBe(false)
    const streams = allowing({ chat_completion_stream: true, embedding: false })
    expect(serves(streams, 'chat_completion', true)).toBe(true)
    expect(serves(streams, 'chat_completion', false)).toBe(false)
    expect(serves(streams, 'embedding', false)).toBe(false)
  })
})

test('every provider that is known has an address that is one, or none', () => {
  for (const name of knownProviders) {
    expect(isKnownProvider(name)).toBe(true)
    const address = addressOf(provider(name))
    expect(address === 'unaddressed' || URL.canParse(address)).toBe(true)
  }
})
