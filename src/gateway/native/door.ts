import { type NativeError, nativeErrorBody } from '../../dialects/openai-native/error-body.ts'
import type { Call, Door } from '../call.ts'
import { draining } from '../draining.ts'
import { bareErrorExtraFields, errorExtraFields } from './extra-fields.ts'
import { callHeaders } from './headers.ts'
import type { Journey } from './journey.ts'
import { type Problem, problemOf } from './problem.ts'

/** Calls with a virtual key, or where that is allowed without any. */
export const nativeDoor: Door = {
  refuse: (call, failure) => tellProblem(call, problemOf(failure), null),
}

/** Tells the caller why there is no answer. `journey` is null for a call that did not come as far as its target. */
export function tellProblem(call: Call, given: Problem, journey: Journey | null): void {
  const problem = call.isCut ? problemOf(draining) : given
  call.status = problem.status
  const headers = [
    ...callHeaders(call),
    'content-type',
    'application/json',
    ...(problem.policy === null ? [] : ['x-bf-governance-decision', problem.policy]),
    ...problem.headers,
  ]
  call.exchange.respond(problem.status, headers, nativeErrorBody(nativeErrorOf(call, problem, journey)))
}

/** A problem as bodies and the last events of streams tell of it. */
export function nativeErrorOf(call: Call, problem: Problem, journey: Journey | null): NativeError {
  const { type, code, message, param, errorType } = problem
  return {
    eventId: call.id,
    type,
    isBifrostError: problem.isOurs,
    statusCode: problem.status,
    error: { type, code, message, ...(param === undefined ? {} : { param }) },
    extraFields:
      journey === null ? bareErrorExtraFields(call, errorType) : errorExtraFields(journey, errorType),
  }
}
