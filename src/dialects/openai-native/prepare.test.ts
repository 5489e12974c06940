import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scanMembers, wantMembersAndOthers } from '../../json/scan.ts'
import { objectText, otherKeyText, runs, valueText } from '../../json/texts.arbitrary.ts'
import type { NativeOperation } from './operation.ts'
import { type NativeChanges, prepareNative } from './prepare.ts'
import { quirksOf } from './quirks.ts'
import { readNativeRequest } from './request.ts'

const custom: NativeChanges = {
  model: Buffer.from('"real"'),
  keepUnknown: false,
  quirks: quirksOf('anything'),
  outputCap: null,
}
const openai: NativeChanges = { ...custom, quirks: quirksOf('openai') }
const openrouter: NativeChanges = { ...custom, quirks: quirksOf('openrouter') }
const mistral: NativeChanges = { ...custom, quirks: quirksOf('mistral') }

function prepared(text: string, changes = custom, operation: NativeOperation = 'chat_completion'): string {
  const body = Buffer.from(text)
  const request = readNativeRequest(body, operation)
  if ('failure' in request) throw new Error(JSON.stringify(request))
  const { pieces, byteLength } = prepareNative(body, request, changes)
  const sent = Buffer.concat(pieces)
  expect(sent).toHaveLength(byteLength)
  return sent.toString()
}

/** What becomes of a chat's members, besides `model` and `messages`. */
function chat(members: string, changes = custom): string {
  const sent = prepared(`{"model":"m","messages":[{}],${members}}`, changes)
  JSON.parse(sent)
  return sent.replaceAll(/^\{|"model":"real",?|"messages":\[\{\}\],?|\}$/g, '').replace(/,$/, '')
}

describe('prepareNative', () => {
  it('puts the model in its place and leaves the rest as it is', () => {
    const text =
      ' { "mod\\u0065l" : "openai/m" , "messages" : [ {} ] ,"response_format":{"b":1.0,"a":12345678901234567890},"tools":[{"function":{"parameters":{"2":1,"1":1e0}}}], "metadata" : {"a":"b"}, "temperature":0.50 } '
    expect(prepared(text)).toBe(text.replace('"openai/m"', '"real"'))
  })

  it('cuts what is ours and what the operation does not know', () => {
    const members = '"foo":{"a":1},"fallbacks":["b"],"seed":1,"fallback_on":"any","b\\u0061r":2'
    expect(chat(members)).toBe('"seed":1')
    expect(chat(members, { ...custom, keepUnknown: true })).toBe('"foo":{"a":1},"seed":1,"b\\u0061r":2')
    expect(prepared('{"foo":1,"model":"m","bar":2,"messages":[1],"baz":3}')).toBe(
      '{"model":"real","messages":[1]}',
    )
  })

  it.each([
    ['chat_completion', 'messages', true],
    ['responses', 'input', true],
    ['text_completion', 'prompt', false],
    ['embedding', 'input', false],
  ] as const)('passes the metadata of %s on only where it is known', (operation, subject, isKnown) => {
    const rest = `{"model":"real","${subject}":["x"]`
    const text = `{"model":"m","${subject}":["x"],"metadata":{"a":"b"}}`
    const whole = `${rest},"metadata":{"a":"b"}}`
    expect(prepared(text, custom, operation)).toBe(isKnown ? whole : `${rest}}`)
    expect(prepared(text, { ...custom, keepUnknown: true }, operation)).toBe(whole)
  })

  it('withholds what a provider refuses, from chats alone', () => {
    expect(chat('"top_k":1,"speed":"fast","seed":1,"container":{}', openai)).toBe('"seed":1')
    expect(chat('"top_k":1,"store":true')).toBe('"top_k":1,"store":true')
    expect(chat('"top_k":1,"store":true', mistral)).toBe('"top_k":1')
    const text = '{"model":"real","input":"x","context_management":[],"store":false}'
    expect(prepared(text, openai, 'responses')).toBe(text)
  })

  it.each([
    ['"max_tokens":5', '"max_completion_tokens":5'],
    ['"max\\u005ftokens" : 5', '"max_completion_tokens":5'],
    ['"max_tokens":5,"max_completion_tokens":9', '"max_completion_tokens":9'],
    ['"max_completion_tokens":null,"max_tokens":5', '"max_completion_tokens":5'],
    ['"max_tokens":null,"max_completion_tokens":9', '"max_completion_tokens":9'],
    ['"max_tokens":null', '"max_tokens":null'],
    ['"seed":1', '"seed":1'],
  ])('spells the cap of {%s} as OpenAI wants it', (members, sent) => {
    expect(chat(members, openai)).toBe(sent)
  })

  it('spells the cap in the older way where that is all a provider knows, and else as the caller did', () => {
    expect(chat('"max_completion_tokens":9', mistral)).toBe('"max_tokens":9')
    expect(chat('"max_tokens":5,"max_completion_tokens":9', mistral)).toBe('"max_tokens":9')
    for (const same of [
      '"max_tokens":5',
      '"max_completion_tokens":9',
      '"max_tokens":5,"max_completion_tokens":9',
    ])
      expect(chat(same)).toBe(same)
  })

  it.each([
    ['"seed":1', '"max_completion_tokens":7,"seed":1', '"max_tokens":7,"seed":1'],
    ['"max_tokens":100', '"max_completion_tokens":7', '"max_tokens":7'],
    ['"max_tokens":6', '"max_completion_tokens":6', '"max_tokens":6'],
    ['"max_tokens":-1', '"max_completion_tokens":7', '"max_tokens":7'],
    ['"max_tokens":null', '"max_completion_tokens":7,"max_tokens":null', '"max_tokens":7'],
    [
      '"max_completion_tokens":null',
      '"max_completion_tokens":7',
      '"max_tokens":7,"max_completion_tokens":null',
    ],
    [
      '"max_tokens":100,"max_completion_tokens":6',
      '"max_completion_tokens":6',
      '"max_tokens":7,"max_completion_tokens":6',
    ],
  ])('caps the output of {%s}', (members, forOpenai, forOthers) => {
    expect(chat(members, { ...openai, outputCap: 7 })).toBe(forOpenai)
    expect(chat(members, { ...custom, outputCap: 7 })).toBe(forOthers)
  })

  it('caps the other operations in their own words', () => {
    const capped = { ...openai, outputCap: 7 }
    expect(prepared('{"model":"m","prompt":"x"}', capped, 'text_completion')).toBe(
      '{"max_tokens":7,"model":"real","prompt":"x"}',
    )
    expect(prepared('{"max_tokens":9,"model":"m","prompt":"x"}', capped, 'text_completion')).toBe(
      '{"max_tokens":7,"model":"real","prompt":"x"}',
    )
    expect(prepared('{"model":"m","input":"x"}', capped, 'responses')).toBe(
      '{"max_output_tokens":7,"model":"real","input":"x"}',
    )
    expect(prepared('{"model":"m","input":"x"}', capped, 'embedding')).toBe('{"model":"real","input":"x"}')
  })

  it.each([
    ['"reasoning_effort":"low"', '"reasoning_effort":"low"', '"reasoning":{"effort":"low"}'],
    ['"reasoning":{"effort":"low"}', '"reasoning_effort":"low"', '"reasoning":{"effort":"low"}'],
    [
      '"reasoning" : {"max_tokens":1.0e2, "effort" :"lo\\u0077"},"seed":1',
      '"reasoning_effort":"lo\\u0077","seed":1',
      '"reasoning" : {"max_tokens":1.0e2, "effort" :"lo\\u0077"},"seed":1',
    ],
    ['"reasoning":{},"reasoning_effort":"low"', '"reasoning_effort":"low"', '"reasoning":{"effort":"low"}'],
    [
      '"reasoning":{"max_tokens":5},"reasoning_effort":"low","reasoning_display":"x"',
      '"reasoning_effort":"low"',
      '"reasoning":{"effort":"low","display":"x","max_tokens":5}',
    ],
    [
      '"reasoning_effort":null,"reasoning":{"effort":"low"}',
      '"reasoning_effort":"low"',
      '"reasoning":{"effort":"low"}',
    ],
    ['"reasoning":null,"reasoning_max_tokens":5', '', '"reasoning":{"max_tokens":5}'],
  ])('says the reasoning of {%s} in the words of the provider', (members, flat, nested) => {
    expect(chat(members)).toBe(flat)
    expect(chat(members, openrouter)).toBe(nested)
  })

  it('has streams report their usage, and nothing else', () => {
    const asked = '"stream_options":{"include_usage":true}'
    expect(chat('"stream":true')).toBe(`${asked},"stream":true`)
    expect(chat('"stream":true,"stream_options":{"x":1,"include_usage":false}')).toBe(
      '"stream":true,"stream_options":{"x":1,"include_usage":true}',
    )
    expect(chat('"stream":true,"stream_options":null')).toBe(`"stream":true,${asked}`)
    expect(chat(`"stream":true,${asked}`)).toBe(`"stream":true,${asked}`)
    expect(chat('"stream":false')).toBe('"stream":false')
    expect(prepared('{"model":"m","prompt":"x","stream":true}', custom, 'text_completion')).toBe(
      `{${asked},"model":"real","prompt":"x","stream":true}`,
    )
    const responses = '{"model":"real","input":"x","stream":true}'
    expect(prepared(responses, custom, 'responses')).toBe(responses)
  })

  it('sends any body member for member as it came, but for what it changes', () => {
    const known = ['tools', 'response_format', 'seed', 'stop', 'user', 'logit_bias'] as const
    const member = fc.oneof(
      fc.tuple(otherKeyText, valueText),
      fc.tuple(
        fc.constantFrom('x', 'fallbacks', 'fallback_on').map((name) => `"${name}"`),
        valueText,
      ),
    )
    const body = fc
      .tuple(
        fc
          .subarray([...known])
          .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(`"${name}"`), valueText)))),
        fc.uniqueArray(member, { maxLength: 5, selector: ([key]) => JSON.parse(key) }),
      )
      .chain(([knownMembers, others]) =>
        fc.shuffledSubarray(
          [
            ...knownMembers,
            ...others,
            ['"model"', '"m"'] as [string, string],
            ['"messages"', '[{}]'] as [string, string],
          ],
          { minLength: knownMembers.length + others.length + 2 },
        ),
      )
      .chain((members) => objectText(members))
    fc.assert(
      fc.property(body, fc.boolean(), (text, keepUnknown) => {
        const sent = prepared(text, { ...custom, keepUnknown })
        const expected = membersOf(text)
          .filter(([name]) => name !== 'fallbacks' && name !== 'fallback_on')
          .filter(([name]) => keepUnknown || [...known, 'model', 'messages'].some((each) => each === name))
          .map(([name, value]) => [name, name === 'model' ? '"real"' : value])
        expect(membersOf(sent)).toEqual(expected)
      }),
      { numRuns: runs },
    )
  })
})

const all = wantMembersAndOthers('unheard of')

/** The members of an object: what each key decodes to, and the bytes of each value. */
function membersOf(text: string): [string, string][] {
  const bytes = Buffer.from(text)
  expect(scanMembers(bytes, 0, bytes.length, all)).toBeGreaterThan(0)
  return (all.others ?? []).map(({ keyStart, valueStart, valueEnd }) => {
    const key = bytes.toString('utf8', keyStart, valueStart).replace(/\s*:\s*$/, '')
    return [JSON.parse(key), bytes.toString('utf8', valueStart, valueEnd)]
  })
}
