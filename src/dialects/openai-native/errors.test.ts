import { describe, expect, it } from 'vitest'
import { nativeErrorBody, nativeErrorFrame } from './error-body.ts'
import { classOf, errorTypeOf, errorTypes } from './error-classes.ts'
import { readStreamError, readUpstreamError, scrub } from './upstream-error.ts'

const limited = {
  eventId: 'req-1',
  type: 'rate_limit_error',
  isBifrostError: false,
  statusCode: 429,
  error: { type: 'rate_limit_error', code: 'rate_limit_exceeded', message: 'Slow "down".', param: null },
  extraFields: Buffer.from('{"provider":"openai"}'),
}

describe('nativeErrorBody', () => {
  it('has its members in the published order', () => {
    const text =
      '{"event_id":"req-1","type":"rate_limit_error","is_bifrost_error":false,"status_code":429,"error":{"type":"rate_limit_error","code":"rate_limit_exceeded","message":"Slow \\"down\\".","param":null,"event_id":"req-1"},"extra_fields":{"provider":"openai"}}'
    expect(nativeErrorBody(limited).toString()).toBe(text)
    expect(nativeErrorFrame(limited).toString()).toBe(`data: ${text}\n\n`)
  })

  it('leaves out what there is not', () => {
    const bare = {
      ...limited,
      eventId: null,
      type: null,
      error: { type: null, code: null, message: 'm' },
      extraFields: Buffer.from('{}'),
    }
    expect(nativeErrorBody(bare).toString()).toBe(
      '{"is_bifrost_error":false,"status_code":429,"error":{"message":"m"},"extra_fields":{}}',
    )
  })
})

function read(body: string, secrets: readonly string[] = []) {
  const { status, ...told } = readUpstreamError(Buffer.from(body), 418, secrets)
  expect(status).toBe(418)
  return told
}

const nothing = { type: null, code: null, param: null }

describe('readUpstreamError', () => {
  it.each([
    [
      '{"error":{"message":"m","type":"t","param":"p","code":"c"}}',
      { message: 'm', type: 't', param: 'p', code: 'c' },
    ],
    ['{"error":{"message":"m","code":429}}', { ...nothing, message: 'm', code: '429' }],
    [
      '[{"error":{"message":"m","code":404,"status":"NOT_FOUND"}}]',
      { ...nothing, message: 'm', code: '404', type: 'NOT_FOUND' },
    ],
    ['{"error":"m"}', { ...nothing, message: 'm' }],
    [
      '{"object":"error","message":"m","type":"t","code":"1500"}',
      { ...nothing, message: 'm', type: 't', code: '1500' },
    ],
    ['{"detail":"m"}', { ...nothing, message: 'm' }],
    ['{"detail":[{"loc":["a"]}]}', { ...nothing, message: '[{"loc":["a"]}]' }],
    ['{"errors":[{"message":"m"}]}', { ...nothing, message: 'm' }],
    ['{"errors":["m"]}', { ...nothing, message: 'm' }],
    ['{"error":{"code":"c"},"message":"m"}', { ...nothing, message: 'm', code: 'c' }],
    ['"m"', { ...nothing, message: 'm' }],
    ['<h1>Bad gateway</h1>\n', { ...nothing, message: '<h1>Bad gateway</h1>' }],
    ['', { ...nothing, message: 'The provider answered with status 418.' }],
    ['{"a":1}', { ...nothing, message: 'The provider answered with status 418.' }],
    ['[]', { ...nothing, message: 'The provider answered with status 418.' }],
  ])('reads %s', (body, told) => {
    expect(read(body)).toEqual(told)
  })

  it('hides our secrets, and whatever looks like a credential', () => {
    const body = JSON.stringify({
      error: { message: 'Bad key hunter2+x', code: 'hunter2+x', type: 'sk-abcdefgh' },
    })
    expect(read(body, ['hunter2+x', ''])).toEqual({
      message: 'Bad key [secret]',
      code: '[secret]',
      type: '[secret]',
      param: null,
    })
    expect(read('key=hunter2', ['hunter2']).message).toBe('key=[secret]')
  })

  it.each([
    ['Incorrect API key provided: sk-proj-***ab_C.', 'Incorrect API key provided: [secret].'],
    ['Authorization: Bearer eyJhbGciOi1.x-y failed', 'Authorization: [secret] failed'],
    ['gsk_abc123456 and AIzaSyA1234567890', '[secret] and [secret]'],
    [
      'A task-specific, risk-adjusted Bearer authentication.',
      'A task-specific, risk-adjusted Bearer authentication.',
    ],
  ])('makes %j into %j', (text, clean) => {
    expect(scrub(text, [])).toBe(clean)
  })

  it('survives any nesting', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    expect(read(deep).message).toContain('418')
    expect(read(`{"message":${deep}}`).message).toContain('418')
  })

  it('does not pass on pages without end', () => {
    expect(read('x'.repeat(1 << 20)).message).toHaveLength(2_000)
    expect(read(`{"message":"${'x'.repeat(1 << 20)}"}`).message).toHaveLength(1 << 15)
  })
})

describe('readStreamError', () => {
  it.each([
    ['{"error":{"message":"m","code":429}}', 429],
    ['{"error":{"message":"m","code":"502"}}', 502],
    ['{"error":{"message":"m","status_code":503}}', 503],
    ['{"error":{"message":"m","type":"invalid_request_error"}}', 400],
    ['{"error":{"message":"m","type":"tokens","code":"rate_limit_exceeded"}}', 429],
    ['{"response":{"error":{"code":"rate_limit_exceeded","message":"m"}}}', 429],
    ['{"type":"error","code":"invalid_prompt","message":"m"}', 400],
    ['{"error":{"message":"m","code":7}}', 500],
    ['{"error":"m"}', 500],
  ])('finds the status that %s stands for', (data, status) => {
    expect(readStreamError(Buffer.from(data), [])).toMatchObject({ status, message: 'm' })
  })
})

describe('errorTypeOf', () => {
  it.each([
    [400, 'caller_invalid_request'],
    [401, 'provider_auth_failed'],
    [402, 'provider_billing'],
    [403, 'provider_auth_failed'],
    [404, 'caller_invalid_request'],
    [429, 'provider_rate_limited'],
    [499, 'caller_cancelled'],
    [500, 'provider_server_error'],
    [503, 'provider_overloaded'],
    [504, 'provider_timeout'],
    [529, 'provider_overloaded'],
    [302, '_OTHER'],
    [700, '_OTHER'],
  ] as const)('calls %i %s', (status, type) => {
    expect(errorTypeOf(status, 'chat_completion')).toBe(type)
    expect(errorTypes).toContain(type)
  })

  it('takes a 404 for an unknown model only where nothing else can be missing', () => {
    expect(errorTypeOf(404, 'embedding')).toBe('caller_model_unknown')
    expect(errorTypeOf(404, 'text_completion')).toBe('caller_model_unknown')
    expect(errorTypeOf(404, 'responses')).toBe('caller_invalid_request')
  })
})

describe('classOf', () => {
  it.each([
    [500, null, 'transient'],
    [502, null, 'transient'],
    [529, null, 'transient'],
    [408, null, 'transient'],
    [501, null, 'caller_fault'],
    [429, null, 'rate_limit'],
    [429, 'insufficient_quota', 'quota'],
    [401, null, 'credential'],
    [403, null, 'credential'],
    [403, 'unsupported_country_region_territory', 'region_blocked'],
    [402, null, 'quota'],
    [404, null, 'caller_fault'],
    [404, 'model_not_found', 'model_access'],
    [404, 'DeploymentNotFound', 'model_access'],
    [400, 'model_decommissioned', 'model_gone'],
    [400, 'content_policy_violation', 'content_policy'],
    [400, 'content_filter', 'content_policy'],
    [400, 'context_length_exceeded', 'caller_fault'],
    [302, null, 'caller_fault'],
  ])('puts %i %s into %s', (status, name, expected) => {
    const error = { status, message: 'm', param: null }
    expect(classOf({ ...error, code: name, type: 'invalid_request_error' })).toBe(expected)
    expect(classOf({ ...error, code: '7', type: name })).toBe(expected)
  })
})
