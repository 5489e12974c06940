import { describe, expect, it } from 'vitest'
import { readUsage } from './usage.ts'

const none = { cacheRead: 0, cacheWrite: 0, reasoning: 0 }

describe('readUsage', () => {
  it('reads what chat reports', () => {
    const text = `{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
      "prompt_tokens_details":{"cached_tokens":64},"completion_tokens_details":{"reasoning_tokens":5}}`
    const usage = { input: 100, output: 20, cacheRead: 64, cacheWrite: 0, reasoning: 5 }
    expect(readUsage(text)).toEqual(usage)
    expect(readUsage(Buffer.from(text))).toEqual(usage)
  })

  it('reads what newer operations and embeddings report', () => {
    const details =
      '"input_tokens_details":{"cached_tokens":1},"output_tokens_details":{"reasoning_tokens":2}'
    expect(readUsage(`{"input_tokens":3,"output_tokens":4,${details}}`)).toEqual({
      input: 3,
      output: 4,
      cacheRead: 1,
      cacheWrite: 0,
      reasoning: 2,
    })
    expect(readUsage('{"prompt_tokens":8,"total_tokens":8}')).toEqual({ input: 8, output: 0, ...none })
  })

  it.each(['-1', '1.5', '1099511627777', '1e400', '"7"', 'true', '[]'])(
    'takes a count of %s for not reported',
    (count) => {
      expect(readUsage(`{"prompt_tokens":${count},"completion_tokens":1}`)).toBeNull()
      expect(readUsage(`{"prompt_tokens":1,"completion_tokens":${count}}`)).toBeNull()
      expect(
        readUsage(
          `{"prompt_tokens":1,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":${count}}}`,
        ),
      ).toEqual({ input: 1, output: 1, ...none })
    },
  )

  it('takes whole numbers however they are spelled, up to 2^40', () => {
    expect(readUsage('{"prompt_tokens":1.0,"completion_tokens":1e2}')).toEqual({
      input: 1,
      output: 100,
      ...none,
    })
    expect(readUsage('{"prompt_tokens":1099511627776}')?.input).toBe(2 ** 40)
    expect(readUsage('{"prompt_tokens":-0}')).toEqual({ input: 0, output: 0, ...none })
  })

  it('keeps details within their total', () => {
    const text =
      '{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":9},"completion_tokens_details":{"reasoning_tokens":3}}'
    expect(readUsage(text)).toMatchObject({ cacheRead: 5, reasoning: 2 })
    expect(readUsage(text.replace('{"cached_tokens":9}', 'null'))).toMatchObject({ cacheRead: 0 })
  })

  it.each(['null', '12', '"x"', '[]', '{}', '{"completion_tokens":1}', '{"prompt_tokens":1', ''])(
    'finds none in %j',
    (text) => {
      expect(readUsage(text)).toBeNull()
    },
  )
})
