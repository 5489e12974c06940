import { refusalHeaders } from '../limits/notice.ts'
import { requestIdHeaders } from './answer-headers.ts'
import type { Door } from './call.ts'
import { dressFrontier } from './frontier-failures.ts'

/** Calls of federated keys. */
export const frontierDoor: Door = {
  refuse(call, failure) {
    const dressed = dressFrontier(failure)
    call.status = dressed.status
    if (call.isCut) return
    const limits = failure.failure === 'limited' ? refusalHeaders(failure.limit) : []
    call.exchange.respond(
      dressed.status,
      [...requestIdHeaders(call), ...dressed.headers, ...limits],
      dressed.body,
    )
  },
}
