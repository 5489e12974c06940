import type { ProviderKeyFact } from '../../tenancy/governance/facts.ts'
import type { Problem } from './problem.ts'

/** One request that was sent to a provider, as the record of the call has it. */
export interface TriedOnce {
  readonly provider: string
  readonly model: string
  readonly key_id: string | null
  readonly key_name: string | null
  /** Null where the provider answered nothing. */
  readonly status: number | null
  /** `ok`, or the class of what went wrong. */
  readonly class: string
  readonly duration_ms: number
  readonly fail_reason: string | null
}

const reasons: Partial<Record<Problem['errorClass'], string>> = {
  credential: 'authentication_error',
  quota: 'billing_error',
  rate_limit: 'rate_limit_error',
  model_access: 'model_access_error',
  model_gone: 'model_retired_error',
  region_blocked: 'region_blocked_error',
}

export function tried(
  provider: string,
  key: ProviderKeyFact | null,
  model: string,
  durationMs: number,
  status: number | null,
  problem: Problem | null,
): TriedOnce {
  return {
    provider,
    model,
    key_id: key?.keyId ?? null,
    key_name: key?.name ?? null,
    status,
    class: problem?.errorClass ?? 'ok',
    duration_ms: Math.round(durationMs),
    fail_reason: problem === null ? null : failReasonOf(problem),
  }
}

/** Why an attempt failed, in few words that are always the same: metrics have them too. */
export function failReasonOf({ errorClass, errorType }: Problem): string {
  return reasons[errorClass] ?? errorType
}
