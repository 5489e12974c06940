import { describe, expect, it } from 'vitest'
import { addressOf } from './address.ts'

describe('addressOf', () => {
  it.each([
    ['https://api.openai.com', 'https://api.openai.com/v1/chat/completions'],
    ['https://api.openai.com/', 'https://api.openai.com/v1/chat/completions'],
    ['https://api.openai.com/v1', 'https://api.openai.com/v1/chat/completions'],
    ['https://api.openai.com/v1//', 'https://api.openai.com/v1/chat/completions'],
    ['http://127.0.0.1:8000/openai', 'http://127.0.0.1:8000/openai/v1/chat/completions'],
    ['https://a.example/v1?api-version=2', 'https://a.example/v1/chat/completions?api-version=2'],
    ['https://a.example/dev1', 'https://a.example/dev1/v1/chat/completions'],
  ])('finds chats of %s at %s', (baseUrl, address) => {
    expect(addressOf(baseUrl, 'chat_completion', null)?.href).toBe(address)
  })

  it('finds the other operations', () => {
    const path = (operation: 'text_completion' | 'responses' | 'embedding') =>
      addressOf('https://a.example', operation, null)?.pathname
    expect([path('text_completion'), path('responses'), path('embedding')]).toEqual([
      '/v1/completions',
      '/v1/responses',
      '/v1/embeddings',
    ])
  })

  it.each([
    ['https://a.example', '/v2/chat', 'https://a.example/v2/chat'],
    ['https://a.example/v1/', 'v2/chat?x=1', 'https://a.example/v1/v2/chat?x=1'],
    ['https://a.example/v1', '/v1/chat', 'https://a.example/v1/chat'],
    ['https://a.example/v1', 'https://b.example/chat?x=1', 'https://b.example/chat?x=1'],
  ])('lets a provider at %s have %s instead', (baseUrl, override, address) => {
    expect(addressOf(baseUrl, 'chat_completion', override)?.href).toBe(address)
  })

  it('makes no address of what is none', () => {
    expect(addressOf('api.openai.com', 'embedding', null)).toBeNull()
  })
})
