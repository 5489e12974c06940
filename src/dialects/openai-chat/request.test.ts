import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFailure } from '../../domain/failure.ts'
import { memberText, objectText, otherKeyText, runs, valueText } from '../../json/texts.arbitrary.ts'
import { scanRequest } from './envelope.ts'
import { type ChatChanges, type ChatRequest, prepareChatRequest, readChatRequest } from './request.ts'

const unchanged: ChatChanges = {
  model: Buffer.from('"m"'),
  dropMembers: [],
  forceUsage: false,
  outputCap: null,
}

function read(text: string): ChatRequest | string {
  const body = Buffer.from(text)
  const envelope = scanRequest(body)
  const request = isFailure(envelope) ? envelope : readChatRequest(body, envelope)
  if (!('failure' in request)) return request
  return request.failure === 'invalid' ? request.message : request.failure
}

function withMembers(members: string): string {
  return `{"model":"m","messages":[]${members && ','}${members}}`
}

function prepared(text: string, changes: Partial<ChatChanges>): string {
  const request = read(text)
  if (typeof request === 'string') throw new Error(request)
  const { pieces, byteLength } = prepareChatRequest(Buffer.from(text), request, { ...unchanged, ...changes })
  const sent = Buffer.concat(pieces)
  expect(sent).toHaveLength(byteLength)
  return sent.toString()
}

function preparedMembers(members: string, changes: Partial<ChatChanges>): string {
  return prepared(withMembers(members), changes)
}

describe('readChatRequest', () => {
  it('reads what the caller wants of us', () => {
    expect(read('{"model":"a\\u002fb","messages":[]}')).toMatchObject({
      model: 'a/b',
      isStream: false,
      wantsUsage: false,
      outputCap: null,
      choices: 1,
    })
    const all =
      '"stream":true,"stream_options":{"x":1,"include_usage":true},"max_tokens":7e1,"max_completion_tokens":60,"n":3'
    expect(read(withMembers(all))).toMatchObject({
      isStream: true,
      wantsUsage: true,
      outputCap: 60,
      choices: 3,
    })
    const nulls = '"stream":null,"stream_options":null,"max_tokens":null,"n":null,"metadata":null'
    expect(read(withMembers(nulls))).toMatchObject({
      isStream: false,
      wantsUsage: false,
      outputCap: null,
      choices: 1,
    })
    expect(read(withMembers('"max_tokens":"5","n":-1'))).toMatchObject({ outputCap: null, choices: 1 })
    expect(read(withMembers('"max_completion_tokens":5'))).toMatchObject({ outputCap: 5 })
    expect(read(withMembers('"stream_options":{"include_usage":"true"}'))).toMatchObject({
      wantsUsage: false,
    })
  })

  it.each([
    '{"messages":[]}',
    '{"model":"","messages":[]}',
    '{"model":null,"messages":[]}',
    '{"model":"\\x","messages":[]}',
  ])('refuses %s', (text) => {
    expect(read(text)).toBe("'model' must be a non-empty string.")
  })

  it.each([
    ['"stream":1', "'stream' must be a boolean."],
    ['"stream":"true"', "'stream' must be a boolean."],
    ['"stream_options":true', "'stream_options' must be an object."],
    ['"stream_options":[]', "'stream_options' must be an object."],
    ['"stream_options":{"a" 1}', "'stream_options' is not valid JSON."],
    [
      '"stream_options":{"include_usage":true,"include\\u005fusage":false}',
      "'stream_options' has more than one 'include_usage'.",
    ],
    ['"metadata":"x"', "'metadata' must be an object."],
    ['"metadata":[]', "'metadata' must be an object."],
    [`"metadata":{"a":"${'x'.repeat(16_377)}"}`, "'metadata' must not be larger than 16384 bytes."],
  ])('refuses %.60s', (members, message) => {
    expect(read(withMembers(members))).toBe(message)
  })

  it('lets metadata of 16 KiB pass, and needs messages', () => {
    expect(read(withMembers(`"metadata":{"a":"${'x'.repeat(16_376)}"}`))).toMatchObject({ model: 'm' })
    expect(read('{"model":"m"}')).toBe("'messages' is required.")
  })
})

describe('prepareChatRequest', () => {
  it('puts the model in its place', () => {
    expect(
      prepared('{ "mod\\u0065l" : "x" ,"messages":[]}', { model: Buffer.from(JSON.stringify('a"b')) }),
    ).toBe('{ "mod\\u0065l" : "a\\"b" ,"messages":[]}')
  })

  it('drops what is ours', () => {
    const dropMembers = ['metadata', 'fallbacks'] as const
    const text = '{"metadata":{"a":1},"fallbacks":["b"],"model":"x","messages":[]}'
    expect(prepared(text, { dropMembers })).toBe('{"model":"m","messages":[]}')
    expect(preparedMembers('"fallbacks":["b"],"metadata":{}', { dropMembers })).toBe(
      '{"model":"m","messages":[]}',
    )
    expect(preparedMembers('"fallbacks":["b"]', { dropMembers: ['metadata'] })).toBe(
      withMembers('"fallbacks":["b"]'),
    )
  })

  it.each([
    ['"stream":true', '{"stream_options":{"include_usage":true},"model":"m","messages":[],"stream":true}'],
    [
      '"stream":true,"stream_options":null',
      withMembers('"stream":true,"stream_options":{"include_usage":true}'),
    ],
    [
      '"stream":true,"stream_options":{ }',
      withMembers('"stream":true,"stream_options":{"include_usage":true }'),
    ],
    [
      '"stream":true,"stream_options":{ "b":1.0}',
      withMembers('"stream":true,"stream_options":{"include_usage":true, "b":1.0}'),
    ],
    [
      '"stream":true,"stream_options":{"a":1,"include_usage" : false,"b":2}',
      withMembers('"stream":true,"stream_options":{"a":1,"include_usage" : true,"b":2}'),
    ],
    [
      '"stream":true,"stream_options":{"include_usage":true}',
      withMembers('"stream":true,"stream_options":{"include_usage":true}'),
    ],
    ['"stream":false,"stream_options":{}', withMembers('"stream":false,"stream_options":{}')],
    ['', withMembers('')],
  ])('asks for usage: %s', (members, expected) => {
    expect(preparedMembers(members, { forceUsage: true })).toBe(expected)
    expect(preparedMembers(members, {})).toBe(withMembers(members))
  })

  it.each([
    ['', '{"max_completion_tokens":50,"model":"m","messages":[]}'],
    ['"max_tokens":null', '{"max_completion_tokens":50,"model":"m","messages":[],"max_tokens":null}'],
    ['"max_completion_tokens":null', withMembers('"max_completion_tokens":50')],
    ['"max_tokens":51', withMembers('"max_tokens":50')],
    ['"max_tokens":50.0', withMembers('"max_tokens":50.0')],
    [
      '"max_tokens":1e3,"max_completion_tokens":49',
      withMembers('"max_tokens":50,"max_completion_tokens":49'),
    ],
    ['"max_tokens":-1', withMembers('"max_tokens":50')],
    ['"max_tokens":"1000"', withMembers('"max_tokens":50')],
  ])('caps the output: %s', (members, expected) => {
    expect(preparedMembers(members, { outputCap: { member: 'max_completion_tokens', value: 50 } })).toBe(
      expected,
    )
  })

  it('replaces an unset cap of the same name', () => {
    const outputCap = { member: 'max_tokens', value: 50 } as const
    expect(preparedMembers('"max_tokens":null', { outputCap })).toBe(withMembers('"max_tokens":50'))
  })

  it('sends what was asked for but for the changes, whatever the request looks like', () => {
    const optional = fc.subarray([
      ['"stream"', 'true'],
      ['"stream_options"', '{"include_usage":false , "x":1.0}'],
      ['"max_tokens"', '100'],
      ['"metadata"', '{"a":"b"}'],
      ['"fallbacks"', '["c"]'],
    ] as const)
    const request = fc
      .tuple(
        optional,
        fc.array(
          fc.tuple(
            otherKeyText.map((text) => `"_${text.slice(1)}`),
            valueText,
          ),
          { maxLength: 3 },
        ),
        valueText,
      )
      .map(
        ([ours, others, messages]) =>
          [['"model"', '"x"'], ['"messages"', messages], ...ours, ...others] as const,
      )
      .chain((members) => fc.shuffledSubarray([...members], { minLength: members.length }))
      .chain((members) => objectText(members))
    fc.assert(
      fc.property(request, (text) => {
        const changes = {
          dropMembers: ['fallbacks', 'metadata'],
          forceUsage: true,
          outputCap: { member: 'max_tokens', value: 50 },
        } as const
        const { metadata, fallbacks, ...expected } = JSON.parse(text) as Record<string, unknown>
        if (expected.stream)
          expected.stream_options = { ...(expected.stream_options as object), include_usage: true }
        expect(JSON.parse(prepared(text, changes))).toEqual({ ...expected, model: 'm', max_tokens: 50 })
        expect(prepared(text, { model: Buffer.from('"x"') })).toBe(text)
      }),
      { numRuns: runs },
    )
  })

  it('accepts every request that JSON.parse reads, unless it has one of our members twice', () => {
    const ours = ['model', 'n', 'fallbacks', 'max_tokens']
    fc.assert(
      fc.property(
        fc
          .array(memberText(ours), { maxLength: 6 })
          .chain((members) => fc.tuple(fc.constant(members), objectText(members))),
        ([members, text]) => {
          const names = members
            .map(([key]) => JSON.parse(key) as string)
            .filter((name) => ours.includes(name))
          expect(isFailure(scanRequest(Buffer.from(text)))).toBe(new Set(names).size < names.length)
        },
      ),
      { numRuns: runs },
    )
  })
})
