import { estimateInputTokens } from '../../dialects/openai-chat/estimate.ts'
import type { NativeOperation } from '../../dialects/openai-native/operation.ts'
import { type NativeRequest, readNativeRequest } from '../../dialects/openai-native/request.ts'
import { isFailure } from '../../domain/failure.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import type { Call } from '../call.ts'
import { refuseMedia } from '../peek.ts'
import type { Room } from '../room.ts'
import { type Overrides, readOverrides } from './overrides.ts'
import { isProblem, type Problem, problemOf } from './problem.ts'

const bytesPerMb = 2 ** 20

/** The body, and what it says as far as the gateway acts on it. */
export interface NativeAsk {
  readonly body: Buffer
  readonly request: NativeRequest
  readonly inputEstimate: number
  /** The caller wants members passed on that the operation does not know. */
  readonly keepUnknown: boolean
  readonly overrides: Overrides
}

/** Reads the body, bounded, and what of it decides. */
export async function readAsk(
  call: Call,
  operation: NativeOperation,
  world: GovernanceWorld,
  room: Room,
): Promise<NativeAsk | Problem> {
  const refused = refuseMedia(call)
  if (refused !== null) return problemOf(refused)
  const overrides = readOverrides(call.exchange)
  if (isProblem(overrides)) return overrides
  const { max_request_body_size_mb: limitMb } = world.client
  const limitBytes = limitMb === undefined ? room.bodyLimitBytes : limitMb * bytesPerMb
  const body = await call.exchange.readBody(limitBytes)
  if (isFailure(body)) return problemOf(body)
  const request = readNativeRequest(body, operation)
  if (isFailure(request)) return problemOf(request)
  call.model = request.model
  return {
    body,
    request,
    inputEstimate: estimateInputTokens(body),
    keepUnknown: call.exchange.header('x-bf-passthrough-extra-params')?.toLowerCase() === 'true',
    overrides,
  }
}
