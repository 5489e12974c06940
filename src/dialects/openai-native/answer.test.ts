import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { amendNativeAnswer, openNativeAnswer } from './answer.ts'

const extra = Buffer.from('{"provider":"openai"}')

function amended(text: string) {
  const bytes = Buffer.from(text)
  const whole = amendNativeAnswer(bytes, extra)
  for (const size of [1, 7, 4096]) {
    const relay = openNativeAnswer()
    const out: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) out.push(...relay.push(bytes.subarray(at, at + size)))
    const { bytes: last, ...report } = relay.end(extra)
    expect(Buffer.concat([...out, last])).toEqual(whole.bytes)
    expect({ ...report, bytes: whole.bytes }).toEqual(whole)
    expect(relay.usage()).toEqual(whole.usage)
  }
  return { ...whole, text: whole.bytes.toString() }
}

describe('openNativeAnswer', () => {
  it.each(['chat', 'tools', 'reasoning', 'logprobs', 'vision'])(
    'adds the extra fields to a recorded answer: %s',
    (name) => {
      const text = readFileSync(`test/corpus/openai-chat/${name}.answer.json`, 'utf8')
      const { usage, error, isWhole, text: out } = amended(text)
      expect(out).toBe(text.replace(/\}(\s*)$/, ',"extra_fields":{"provider":"openai"}}$1'))
      expect({ error, isWhole }).toEqual({ error: null, isWhole: true })
      const { usage: reported } = JSON.parse(text)
      expect(usage).toMatchObject({ input: reported.prompt_tokens, output: reported.completion_tokens })
    },
  )

  it('puts ours in the place of those of an upstream that is a gateway itself', () => {
    expect(amended('{"id":"1","extra_fields":{"provider":"x","a":"}"},"model":"m"}').text).toBe(
      '{"id":"1","model":"m","extra_fields":{"provider":"openai"}}',
    )
  })

  it('reads what the usage says of its price', () => {
    expect(
      amended('{"service_tier":"fl\\u0065x","usage":{"prompt_tokens":1,"cost":0.50}}').usage,
    ).toMatchObject({ input: 1, serviceTier: 'flex', reportedCost: '0.50' })
    expect(amended('{"service_tier":null,"usage":{"prompt_tokens":1}}').usage).toMatchObject({
      serviceTier: null,
    })
    expect(amended('{"id":"1"}')).toMatchObject({ usage: null, text: expect.not.stringContaining('usage') })
    expect(amended('{"usage":null}').usage).toBeNull()
  })

  it('tells of an error that came with success, and of what is no answer', () => {
    expect(amended('{"error":{"message":"m"}}').error?.toString()).toBe('{"message":"m"}')
    expect(amended('{"error":null}').error).toBeNull()
    expect(amended('{"usage":{"prompt_tokens":1},"x":')).toMatchObject({
      isWhole: false,
      text: '{"usage":{"prompt_tokens":1},"x":',
    })
  })
})
