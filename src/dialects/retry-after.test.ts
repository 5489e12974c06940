import { describe, expect, it } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const now = Date.parse('2026-01-02T03:04:05.000Z')

function wait(headers: Record<string, string>): number | null {
  return retryAfterMs((name) => headers[name] ?? null, now)
}

describe('retryAfterMs', () => {
  it.each([
    [{ 'retry-after-ms': '250.5', 'retry-after': '9' }, 251],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after': 'Fri, 02 Jan 2026 03:04:15 GMT' }, 10_000],
    [{ 'retry-after': 'Fri, 02 Jan 2026 03:04:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '-1' }, null],
    [{ 'retry-after': 'soon', 'x-ratelimit-reset-tokens': '120ms' }, 120],
    [{ 'x-ratelimit-reset-requests': '6m0s' }, 360_000],
    [{ 'x-ratelimit-reset-requests': '2m59.56s' }, 179_560],
    [{ 'x-ratelimit-reset-requests': '1.5' }, 1_500],
    [{ 'x-ratelimit-reset-requests': '1m', 'x-ratelimit-reset-tokens': '2s' }, 2_000],
    [
      {
        'x-ratelimit-reset-requests': '1m',
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-tokens': '2s',
        'x-ratelimit-remaining-tokens': '7',
      },
      60_000,
    ],
    [{ 'x-ratelimit-reset': String(now / 1000 + 3) }, 3_000],
    [{ 'x-ratelimit-reset': String(now + 1_234) }, 1_234],
    [{ 'x-ratelimit-reset': String(now - 1_234) }, 0],
    [{ 'x-ratelimit-reset-requests': '2026-01-02T03:04:06Z' }, 1_000],
    [{ 'x-ratelimit-reset-requests': '5x' }, null],
    [{}, null],
  ])('reads %o as %s', (headers, expected) => {
    expect(wait(headers as unknown as Record<string, string>)).toBe(expected)
  })
})
