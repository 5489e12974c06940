import type { Failure } from '../domain/failure.ts'
import { refusalHeaders } from '../limits/notice.ts'
import { requestIdHeaders } from './answer-headers.ts'
import type { Call } from './call.ts'
import { dressFrontier } from './frontier-failures.ts'

/** Tells the caller why there is no answer. Nothing has been sent before. */
export function refuse(call: Call, failure: Failure): void {
  const dressed = dressFrontier(failure)
  call.status = dressed.status
  if (call.isCut) return
  const limits = failure.failure === 'limited' ? refusalHeaders(failure.limit) : []
  call.exchange.respond(
    dressed.status,
    [...requestIdHeaders(call), ...dressed.headers, ...limits],
    dressed.body,
  )
}
