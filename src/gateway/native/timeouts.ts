import type { NetworkConfig } from '../../tenancy/governance/facts.ts'
import type { UpstreamTimeouts } from '../../upstream/call.ts'
import { type Problem, tooSlow } from './problem.ts'

/** How long a provider is waited for. */
export interface NativeTimeouts {
  readonly upstream: UpstreamTimeouts
  /** From sending to the first byte of a stream's body; Infinity for what is no stream. */
  readonly firstByteMs: number
  /** From sending to the first content; Infinity where that is not limited, or there is no stream. */
  readonly firstTokenMs: number
  /** The caller's own time for an answer is the shorter one. */
  readonly isCallers: boolean
}

const defaults = { connect: 10, request: 30, idle: 60 } as const

/** A whole answer has its time from sending to its end; a stream to its first byte, and then between any two. */
export function timeoutsOf(
  network: NetworkConfig | undefined,
  isStream: boolean,
  callersMs: number | null,
): NativeTimeouts {
  const connectMs = 1000 * (network?.connect_timeout_in_seconds ?? defaults.connect)
  const allowedMs = 1000 * (network?.default_request_timeout_in_seconds ?? defaults.request)
  const isCallers = callersMs !== null && callersMs < allowedMs
  const requestMs = isCallers ? callersMs : allowedMs
  const idleMs = 1000 * (network?.stream_idle_timeout_in_seconds ?? defaults.idle)
  const never = Number.POSITIVE_INFINITY
  const firstTokenMs = isStream ? 1000 * (network?.first_token_timeout_in_seconds ?? 0) || never : never
  return {
    upstream: {
      connectMs: Math.min(connectMs, requestMs),
      firstByteMs: requestMs,
      idleMs: isStream ? idleMs : requestMs,
      totalMs: isStream ? never : requestMs,
    },
    firstByteMs: isStream ? requestMs : never,
    firstTokenMs,
    isCallers,
  }
}

/** A provider that was too slow for the caller is told so in terms of what the caller asked for. */
export function inCallersTerms(problem: Problem, { isCallers }: NativeTimeouts): Problem {
  const isSlow = problem.waitedBy === 'default_request_timeout_in_seconds'
  return isCallers && isSlow ? tooSlow('x-bf-timeout-ms') : problem
}
