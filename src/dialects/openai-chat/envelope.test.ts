import { describe, expect, it } from 'vitest'
import { isFailure } from '../../domain/failure.ts'
import { scanRequest } from './envelope.ts'

function messageOf(body: string | Buffer): string | null {
  const scanned = scanRequest(Buffer.from(body))
  return 'failure' in scanned && scanned.failure === 'invalid' ? scanned.message : null
}

describe('scanRequest', () => {
  it('finds every member that we act on', () => {
    const members = {
      model: '"m"',
      messages: '[{"role":"user","model":"x","n":[1]}]',
      stream: 'true',
      stream_options: '{"a":1}',
      max_tokens: '1.0',
      max_completion_tokens: '2',
      n: '1',
      metadata: '{}',
      fallbacks: '["f"]',
    }
    const text = `{${Object.entries(members)
      .map(([name, value]) => `"${name}" : ${value}`)
      .join(', ')}}`
    const envelope = scanRequest(Buffer.from(text))
    if (isFailure(envelope)) throw new Error('refused')
    const { insertAt, ...places } = envelope
    expect(insertAt).toBe(1)
    expect(
      Object.values(places).map((place) => place && text.slice(place.valueStart, place.valueEnd)),
    ).toEqual(Object.values(members))
    expect(text.slice(places.n?.keyStart)).toMatch(/^"n" : 1, "metadata"/)
  })

  it('has null for members that are not there', () => {
    const { insertAt, ...places } = scanRequest(Buffer.from(' {"x":{"model":1}}')) as Record<string, unknown>
    expect(insertAt).toBe(2)
    expect(new Set(Object.values(places))).toEqual(new Set([null]))
  })

  it.each([
    '{"model":"a","model":"b"}',
    '{"model":"a","mod\\u0065l":"b"}',
    '{"\\u006dodel":"a","x":1,"mode\\u006C":"a"}',
  ])('refuses two models: %s', (body) => {
    expect(messageOf(body)).toBe("The body has more than one 'model'.")
  })

  it('lets others occur twice, and ours deeper down', () => {
    expect(messageOf('{"x":1,"x":2,"model":"a","messages":[{"model":1,"model":2}]}')).toBeNull()
  })

  it.each([
    ['', 'The body must be a JSON object.'],
    ['[]', 'The body must be a JSON object.'],
    ['\ufeff{}', 'The body must be a JSON object.'],
    ['{} x', 'The body is not valid JSON.'],
    ['{}{}', 'The body is not valid JSON.'],
    ['{"a":[}', 'The body is not valid JSON.'],
    ['{"a":"\0"}', 'The body contains a NUL byte.'],
    ['{}\0', 'The body contains a NUL byte.'],
  ])('refuses %j', (body, message) => {
    expect(messageOf(body)).toBe(message)
  })

  it('refuses bytes that are no UTF-8', () => {
    for (const bytes of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80]]) {
      const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])
      expect(messageOf(body)).toBe('The body is not valid UTF-8.')
    }
  })
})
