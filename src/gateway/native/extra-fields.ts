import type { ErrorType } from '../../dialects/openai-native/error-classes.ts'
import type { ProviderKeyFact } from '../../tenancy/governance/facts.ts'
import type { Call } from '../call.ts'
import type { Journey, Target } from './journey.ts'

/** What an answer says of how it came about. */
export interface Served {
  readonly target: Target
  readonly key: ProviderKeyFact | null
  /** The provider's name for the model. */
  readonly model: string
}

/** The JSON of an answer's `extra_fields`; `chunkIndex` in a stream only. */
export function extraFields(journey: Journey, served: Served, chunkIndex: number | null): Buffer {
  return json({
    ...namesOf(journey, served.target),
    resolved_model_used: served.model,
    latency: latencyOf(journey.call),
    ...(chunkIndex === null ? {} : { chunk_index: chunkIndex }),
    routing_info: routingInfo(journey, served),
  })
}

/** The same of an error. */
export function errorExtraFields(journey: Journey, errorType: ErrorType): Buffer {
  const { target, call } = journey
  return json({
    ...namesOf(journey, target),
    ...(target === null ? {} : { resolved_model_used: target.model }),
    latency: latencyOf(call),
    error_type: errorType,
    ...(target === null
      ? {}
      : { routing_info: routingInfo(journey, { target, key: null, model: target.model }) }),
  })
}

/** What can be said of an error before anything of the request is known. */
export function bareErrorExtraFields(call: Call, errorType: ErrorType): Buffer {
  return json({ latency: latencyOf(call), error_type: errorType })
}

function namesOf({ operation, ask }: Journey, target: Target | null): object {
  const { isStream, model } = ask.request
  const asked = target?.askedModel ?? model
  return {
    request_type: isStream ? `${operation}_stream` : operation,
    ...(target === null ? {} : { provider: target.provider }),
    original_model_requested: asked,
    model_requested: asked,
  }
}

function routingInfo({ primary }: Journey, { target, key, model }: Served): object {
  return {
    provider: target.provider,
    model,
    ...(key === null ? {} : { key: key.name }),
    is_fallback: target.index > 0,
    primary_provider: primary?.provider ?? target.provider,
    primary_model: primary?.model ?? target.model,
  }
}

function latencyOf({ startedMonotonicMs }: Call): number {
  return Math.round(performance.now() - startedMonotonicMs)
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}
