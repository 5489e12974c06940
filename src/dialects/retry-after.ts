const buckets = ['requests', 'tokens'] as const
const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** A number above these is an instant, in seconds or in milliseconds. */
const leastEpochSeconds = 1e9
const leastEpochMs = 1e12

/**
 * How long a provider asks us to wait, by whichever of its headers says it most plainly; null if none does. `header` gets
 * names in lower case. Never negative.
 */
export function retryAfterMs(header: (name: string) => string | null, nowMs: number): number | null {
  const wait =
    readNumber(header('retry-after-ms')) ??
    readRetryAfter(header('retry-after'), nowMs) ??
    readBuckets(header, nowMs) ??
    readReset(header('x-ratelimit-reset'), nowMs)
  return wait === null ? null : Math.max(0, Math.ceil(wait))
}

/** Seconds, or a date. */
function readRetryAfter(text: string | null, nowMs: number): number | null {
  const seconds = readNumber(text)
  if (seconds !== null) return seconds * 1_000
  const date = text === null || !/[a-z]/i.test(text) ? Number.NaN : Date.parse(text)
  return Number.isNaN(date) ? null : date - nowMs
}

/** The latest reset among the buckets that are empty; without one that is, the earliest of all. */
function readBuckets(header: (name: string) => string | null, nowMs: number): number | null {
  const all: number[] = []
  const empty: number[] = []
  for (const bucket of buckets) {
    const reset = readReset(header(`x-ratelimit-reset-${bucket}`), nowMs)
    if (reset === null) continue
    all.push(reset)
    if (readNumber(header(`x-ratelimit-remaining-${bucket}`)) === 0) empty.push(reset)
  }
  if (empty.length > 0) return Math.max(...empty)
  return all.length > 0 ? Math.min(...all) : null
}

/** A duration such as `6m0s` or `120ms`, seconds, or an instant: as a number or as a date. */
function readReset(text: string | null, nowMs: number): number | null {
  const number = readNumber(text)
  if (number !== null) {
    if (number >= leastEpochMs) return number - nowMs
    return number >= leastEpochSeconds ? number * 1_000 - nowMs : number * 1_000
  }
  return text === null ? null : (readDuration(text) ?? readRetryAfter(text, nowMs))
}

function readDuration(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return null
  let sum = 0
  for (const [, digits, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    sum += Number(digits) * (unitsMs[unit] ?? 0)
  }
  return sum
}

function readNumber(text: string | null): number | null {
  return text !== null && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : null
}
