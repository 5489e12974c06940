import type { Failure } from '../domain/failure.ts'

/** What is told whoever calls while the gateway is ending, or is still waiting for an answer when it does. */
export const draining: Failure = { failure: 'overloaded', reason: 'draining', retryAfterMs: 1000 }
