import { describe, expect, it } from 'vitest'
import type { NativeOperation } from './operation.ts'
import { type NativeRequest, readNativeRequest } from './request.ts'

function read(text: string, operation: NativeOperation = 'chat_completion'): NativeRequest | string {
  const request = readNativeRequest(Buffer.from(text), operation)
  if (!('failure' in request)) return request
  return request.failure === 'invalid' ? request.message : request.failure
}

function chatWith(members: string): string {
  return `{"model":"m","messages":[{}],${members}}`
}

describe('readNativeRequest', () => {
  it('reads what the caller wants of us', () => {
    expect(read('{"model":"openai/gp\\u0074","messages":[{"role":"user","content":"x"}]}')).toMatchObject({
      operation: 'chat_completion',
      model: 'openai/gpt',
      isStream: false,
      wantsUsage: false,
      hasOutput: true,
      outputCap: null,
      choices: 1,
      metadata: null,
      fallbacks: [],
      fallbackOn: null,
    })
    const all =
      '"stream":true,"stream_options":{"include_usage":true},"max_tokens":5,"max_completion_tokens":60,"n":3,"fallback_on":"any","metadata":{"a":"b"}'
    expect(read(chatWith(all))).toMatchObject({
      isStream: true,
      wantsUsage: true,
      outputCap: 60,
      choices: 3,
      fallbackOn: 'any',
      metadata: { keyStart: expect.any(Number) },
    })
    expect(read(chatWith('"max_completion_tokens":null,"max_tokens":5'))).toMatchObject({ outputCap: 5 })
    expect(read(chatWith('"max_tokens":"5"'))).toMatchObject({ outputCap: null })
  })

  it('reads the other operations, each in its own words', () => {
    expect(
      read('{"model":"m","prompt":"x","max_tokens":7,"n":2,"best_of":4}', 'text_completion'),
    ).toMatchObject({ outputCap: 7, choices: 4, hasOutput: true })
    expect(read('{"model":"m","input":"x","max_output_tokens":7,"stream":true}', 'responses')).toMatchObject({
      outputCap: 7,
      isStream: true,
      wantsUsage: false,
    })
    expect(read('{"model":"m","input":["x"],"stream":true,"n":2}', 'embedding')).toMatchObject({
      hasOutput: false,
      isStream: false,
      outputCap: null,
      choices: 1,
    })
  })

  it('keeps fallbacks as they are written, and leaves out what is none', () => {
    const fallbacks =
      '["openai/a", {"provider":"p","model":"x/b"}, {"model":"c"}, 7, "", null, {"provider":1,"model":"d"}, {"provider":"p"}, ["e"]]'
    expect(read(chatWith(`"fallbacks":${fallbacks}`))).toMatchObject({
      fallbacks: [
        { provider: null, model: 'openai/a' },
        { provider: 'p', model: 'x/b' },
        { provider: null, model: 'c' },
      ],
    })
    for (const odd of ['"openai/a"', '{}', 'null', '[,]'])
      expect(read(chatWith(`"fallbacks":${odd}`))).toMatchObject({ fallbacks: [] })
  })

  it.each(['{"messages":[{}]}', '{"model":"","messages":[{}]}', '{"model":null}', '{"model":7}'])(
    'asks %s for a model',
    (text) => {
      expect(read(text)).toContain('model is required')
    },
  )

  it.each([
    ['chat_completion', 'messages'],
    ['text_completion', 'prompt'],
    ['responses', 'input'],
    ['embedding', 'input'],
  ] as const)('names what %s is to work on where there is nothing: %s', (operation, name) => {
    const message = `${name} is required and must not be empty`
    expect(read('{"model":"m"}', operation)).toBe(message)
    for (const empty of ['[ ]', '""', 'null'])
      expect(read(`{"model":"m","${name}":${empty}}`, operation)).toBe(message)
    expect(read(`{"model":"m","${name}":[[]]}`, operation)).toMatchObject({ model: 'm' })
    expect(read(`{"model":"m","${name}":" "}`, operation)).toMatchObject({ model: 'm' })
  })

  it.each(['prompt', 'previous_response_id', 'conversation'])('takes %s in place of an input', (name) => {
    expect(read(`{"model":"m","${name}":"x"}`, 'responses')).toMatchObject({ model: 'm' })
  })

  it.each(['effort', 'max_tokens', 'display'])('refuses %s of reasoning in both places', (setting) => {
    expect(read(chatWith(`"reasoning_${setting}":"low","reasoning":{"${setting}":"high"}`))).toBe(
      `'reasoning_${setting}' and 'reasoning.${setting}' cannot both be given.`,
    )
    expect(read(chatWith(`"reasoning_${setting}":null,"reasoning":{"${setting}":"high"}`))).toBeTypeOf(
      'object',
    )
    expect(read(chatWith(`"reasoning_${setting}":"low","reasoning":{"${setting}":null}`))).toBeTypeOf(
      'object',
    )
  })

  it.each([
    ['"stream":1', "'stream' must be a boolean."],
    ['"stream_options":[]', "'stream_options' must be an object."],
    ['"metadata":"x"', "'metadata' must be an object."],
    [`"metadata":{"a":"${'x'.repeat(16_377)}"}`, "'metadata' must not be larger than 16384 bytes."],
    ['"reasoning":"low"', "'reasoning' must be an object."],
    ['"reasoning":{"effort":1,"effort":2}', "'reasoning' has more than one 'effort'."],
    ['"reasoning":{"effort" 1}', "'reasoning' is not valid JSON."],
    ['"tools":[],"to\\u006fls":[]', "The body has more than one 'tools'."],
    ['"model":"n"', "The body has more than one 'model'."],
    ['"x":1}', 'The body is not valid JSON.'],
  ])('refuses %.60s', (members, message) => {
    expect(read(chatWith(members))).toBe(message)
  })

  it('leaves to the provider what only it can judge', () => {
    expect(read(chatWith('"temperature":"hot","x":1,"x":2,"tools":{"a":{"a":1,"a":2}}'))).toMatchObject({
      model: 'm',
    })
    expect(read(`{"model":"m","input":"x","metadata":{"a":"${'x'.repeat(16_377)}"}}`, 'embedding')).toContain(
      'metadata',
    )
  })
})
