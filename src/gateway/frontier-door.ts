import { refusalHeaders } from '../limits/notice.ts'
import { requestIdHeaders } from './answer-headers.ts'
import type { Door } from './call.ts'
import { draining } from './draining.ts'
import { dressFrontier } from './frontier-failures.ts'

/** Calls of federated keys. */
export const frontierDoor: Door = {
  refuse(call, given) {
    const failure = call.isCut ? draining : given
    const dressed = dressFrontier(failure)
    call.status = dressed.status
    const limits = failure.failure === 'limited' ? refusalHeaders(failure.limit) : []
    call.exchange.respond(
      dressed.status,
      [...requestIdHeaders(call), ...dressed.headers, ...limits],
      dressed.body,
    )
  },
}
