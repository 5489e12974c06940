import { describe, expect, it } from 'vitest'
import { estimateInputTokens } from './estimate.ts'

function estimate(text: string): number {
  return estimateInputTokens(Buffer.from(text))
}

describe('estimateInputTokens', () => {
  it('expects a token for every four bytes begun', () => {
    expect([0, 1, 4, 5, 4000].map((length) => estimate('x'.repeat(length)))).toEqual([0, 1, 1, 2, 1000])
    expect(estimate('漢漢')).toBe(2)
  })

  it.each([
    'data:image/png;base64,AAAA',
    'data:image\\/png;base64,AA\\/A',
    'data:text/plain;charset=utf-8;base64,QQ==',
    'data:image/svg+xml,%3Csvg%3E',
  ])('leaves %s out', (url) => {
    const long = `${url}${'A'.repeat(4000)}`
    expect(estimate(`{"a":"","b":"","c":1234}`)).toBe(6)
    expect(estimate(`{"a":"${long}","b":"${long}","c":1234}`)).toBe(6)
  })

  it.each([
    'data: the figures, as agreed, ',
    'data:, ',
    'see data:image/png;base64,',
    '\\"data:image/png;base64,',
  ])('counts text that begins with %s', (start) => {
    const body = `{"a":"${start}${'A'.repeat(4000)}"}`
    expect(estimate(body)).toBe(Math.ceil(Buffer.byteLength(body) / 4))
  })

  it('counts a URL that does not end', () => {
    expect(estimate('{"a":"data:image/png;base64,AAA')).toBe(8)
  })
})
