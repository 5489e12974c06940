import { describe, expect, it } from 'vitest'
import { parseOrigin } from './origin.ts'

describe('an origin', () => {
  it.each([
    [
      'https://api.openai.com/v1',
      'https',
      'api.openai.com',
      443,
      'api.openai.com',
      'https://api.openai.com:443',
    ],
    [
      'HTTPS://API.OpenAI.com:443',
      'https',
      'api.openai.com',
      443,
      'api.openai.com',
      'https://api.openai.com:443',
    ],
    ['http://localhost:8080?x', 'http', 'localhost', 8080, 'localhost:8080', 'http://localhost:8080'],
    ['http://[::1]/', 'http', '::1', 80, '[::1]', 'http://[::1]:80'],
    ['http://[0:0::1]:9', 'http', '::1', 9, '[::1]:9', 'http://[::1]:9'],
    ['http://127.1', 'http', '127.0.0.1', 80, '127.0.0.1', 'http://127.0.0.1:80'],
  ])('is read from %s', (text, protocol, host, port, hostHeader, key) => {
    expect(parseOrigin(text)).toEqual({ protocol, host, port, hostHeader, key })
  })

  it.each(['', 'api.openai.com', 'ftp://a.test', 'http://', 'http://a.test:0', 'http://a.test:99999'])(
    'is not read from %j',
    (text) => expect(parseOrigin(text)).toMatchObject({ failure: 'invalid' }),
  )

  it('holds no credentials, nor does its refusal', () => {
    const refused = parseOrigin('https://user:hunter2@api.openai.com')
    expect(refused).toMatchObject({ failure: 'invalid' })
    expect(JSON.stringify(refused)).not.toContain('hunter2')
  })
})
