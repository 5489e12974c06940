import { describe, expect, it } from 'vitest'
import { readPricedUsage } from './usage.ts'

const plain = {
  input: 10,
  output: 5,
  cacheRead: 0,
  cacheWrite: 0,
  reasoning: 0,
  cacheWriteLong: 0,
  inputAudio: 0,
  outputAudio: 0,
  inputImage: 0,
  outputImage: 0,
  searches: 0,
  reportedCost: null,
  serviceTier: null,
}

function read(members: string) {
  return readPricedUsage(`{"prompt_tokens":10,"completion_tokens":5${members && ','}${members}}`, null)
}

describe('readPricedUsage', () => {
  it('reads every shape of counts', () => {
    expect(read('')).toEqual(plain)
    expect(readPricedUsage(Buffer.from('{"prompt_tokens":7,"total_tokens":7}'), 'flex')).toEqual({
      ...plain,
      input: 7,
      output: 0,
      serviceTier: 'flex',
    })
    const responses =
      '{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3}}'
    expect(readPricedUsage(responses, null)).toEqual({ ...plain, cacheRead: 4, reasoning: 3 })
  })

  it('tells the parts apart', () => {
    const parts =
      '"prompt_tokens_details":{"cached_tokens":9,"cached_read_tokens":4,"cached_write_tokens":3,"cached_write_token_details":{"cached_write_tokens_5m":1,"cached_write_tokens_1h":2},"audio_tokens":1,"image_tokens":2},"completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":1,"image_tokens":2,"num_search_queries":6}'
    expect(read(parts)).toEqual({
      ...plain,
      cacheRead: 4,
      cacheWrite: 3,
      cacheWriteLong: 2,
      inputAudio: 1,
      inputImage: 2,
      reasoning: 3,
      outputAudio: 1,
      outputImage: 2,
      searches: 6,
    })
  })

  it.each([
    ['"prompt_tokens_details":{"cached_tokens":4}', { cacheRead: 4 }],
    ['"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6', { cacheRead: 4 }],
    ['"prompt_tokens_details":{"cache_write_tokens":4}', { cacheWrite: 4 }],
    ['"prompt_tokens_details":{"cache_creation_tokens":4}', { cacheWrite: 4 }],
    [
      '"prompt_tokens_details":{"cache_creation_input_tokens":4,"cache_creation":{"ephemeral_1h_input_tokens":3}}',
      { cacheWrite: 4, cacheWriteLong: 3 },
    ],
    ['"num_search_queries":2', { searches: 2 }],
  ])('knows %s', (members, told) => {
    expect(read(members)).toEqual({ ...plain, ...told })
  })

  it('makes no part more than its whole, and takes no odd count', () => {
    const large =
      '"prompt_tokens_details":{"cached_tokens":8,"cache_write_tokens":8,"cached_write_token_details":{"cached_write_tokens_1h":8},"audio_tokens":80},"completion_tokens_details":{"reasoning_tokens":6,"image_tokens":-1,"num_search_queries":1.5}'
    expect(read(large)).toEqual({
      ...plain,
      cacheRead: 8,
      cacheWrite: 2,
      cacheWriteLong: 2,
      inputAudio: 10,
      reasoning: 5,
    })
  })

  it.each([
    ['"cost":0.00012345678901234567890', '0.00012345678901234567890'],
    ['"cost":{"input_cost":1,"total_cost":1e-7}', '1e-7'],
    ['"cost":0', '0'],
    ['"cost":1,"cost":2', '2'],
    ['"cost":null', null],
    ['"cost":"1"', null],
    ['"cost":-1', null],
    ['"cost":1e10', null],
    ['"cost":{}', null],
    ['"x":{"cost":1}', null],
  ])('keeps the digits of {%s}', (members, reportedCost) => {
    expect(read(members)?.reportedCost).toBe(reportedCost)
  })

  it.each(['{"prompt_tokens":-1}', '{"prompt_tokens":1,"completion_tokens":1.5}', '{}', 'null', '[', '7'])(
    'takes %s for not reported',
    (json) => {
      expect(readPricedUsage(json, null)).toBeNull()
    },
  )
})
