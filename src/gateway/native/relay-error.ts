import { readUpstreamError, type UpstreamError } from '../../dialects/openai-native/upstream-error.ts'
import { readPricedUsage } from '../../dialects/openai-native/usage.ts'
import { retryAfterMs } from '../../dialects/retry-after.ts'
import { openAnswer } from '../../json/answer.ts'
import type { ResponseHeaders } from '../../upstream/response-headers.ts'
import type { Answer } from '../answer.ts'
import { whenCut } from '../call.ts'
import { leftAfter } from './books.ts'
import type { Failed, NativeEnding } from './failed.ts'
import type { NativeGrant } from './grant.ts'
import { type Problem, problemOf, reportedBy } from './problem.ts'

const longestErrorBytes = 2 ** 20
const noBytes: readonly Buffer[] = []

/** Reads what a provider says is wrong. It may bill for what it then failed at, and say so. */
export function readError(grant: NativeGrant, answer: Answer): Promise<Failed> {
  const { call } = grant
  const { status, headers } = answer.head
  const chunks: Buffer[] = []
  let bytes = 0

  return new Promise((resolve) => {
    const tell = (body: readonly Buffer[]): void => {
      call.onCut = null
      const whole = Buffer.concat(body)
      const error = readUpstreamError(whole, status, secretsOf(grant))
      resolve({ problem: reported(grant, error, headers), ending: endingOf(whole) })
    }
    whenCut(call, () => {
      answer.abort()
      call.onCut = null
      resolve({ problem: problemOf({ failure: 'cancelled' }), ending: { ending: 'unused' } })
    })
    answer.read({
      onData(chunk) {
        bytes += chunk.length
        if (bytes <= longestErrorBytes) return void chunks.push(Buffer.from(chunk))
        answer.abort()
        tell(noBytes)
      },
      onEnd: () => tell(chunks),
      // The status has come, and says enough.
      onFailure: () => tell(noBytes),
    })
  })
}

/** A provider's error as the problem of a call, with how long the provider wants to be left alone. */
export function reported(
  { call, journey: { world, operation } }: NativeGrant,
  error: UpstreamError,
  headers: ResponseHeaders | null,
): Problem {
  const problem = reportedBy(error, operation, world.client.fallback_on_content_filter === true)
  const nowMs = call.startedAt + performance.now() - call.startedMonotonicMs
  const restMs = headers === null ? null : restMsIn(headers, problem, nowMs)
  if (restMs === null) return problem
  const seconds = String(Math.max(1, Math.ceil(restMs / 1000)))
  return { ...problem, retryAfterMs: restMs, headers: ['retry-after', seconds] }
}

/** What is sent to a provider and must not be read by the caller. */
export function secretsOf({ credential, provider }: NativeGrant): readonly string[] {
  const extra = Object.values(provider.secrets.extraHeaders)
  return [credential.value, ...extra].flatMap((secret) =>
    secret === null || secret === 'sealed' ? [] : [secret.reveal()],
  )
}

/** A caller who left after the call was sent is charged the prompt. */
export function cancelledAfter(grant: NativeGrant, contentEvents: number): Failed {
  return { problem: problemOf({ failure: 'cancelled' }), ending: leftAfter(grant.journey, contentEvents) }
}

function endingOf(body: Buffer): NativeEnding {
  const scan = openAnswer(null)
  scan.push(body)
  const told = scan.usage()
  const usage = told === null ? null : readPricedUsage(told, null)
  return usage === null ? { ending: 'unused' } : { ending: 'reported', usage, failed: true }
}

/** Nobody is left alone for longer on the word of one answer. */
const longestRestMs = 86_400_000

/**
 * How long a provider wants to be left alone. When its buckets fill again stands on answers of every kind, and says that
 * only where it is the reason.
 */
function restMsIn(headers: ResponseHeaders, { errorClass }: Problem, nowMs: number): number | null {
  const isOfLimits = errorClass === 'rate_limit'
  const header = (name: string) => (isOfLimits || name.startsWith('retry-after') ? headers.get(name) : null)
  // An instant is one of the provider's clock.
  const saidAt = Date.parse(headers.get('date') ?? '')
  const waitMs = retryAfterMs(header, Number.isNaN(saidAt) ? nowMs : saidAt)
  return waitMs === null ? null : Math.min(waitMs, longestRestMs)
}
