import type { Failure } from '../domain/failure.ts'
import type { RequestId } from '../domain/ids.ts'
import type { Call } from './call.ts'
import type { Exchange } from './exchange.ts'
import type { Room } from './room.ts'

const chatPath = '/v1/chat/completions'
const noSuchRoute: Failure = { failure: 'not_found', what: 'route' }
const onlyPost: Failure = { failure: 'method_not_allowed', allow: ['POST'] }

/** Names the request and begins its record. */
export function open(exchange: Exchange, room: Room): Call {
  const startedAt = room.clock()
  return {
    id: room.newUlid(startedAt) as RequestId,
    exchange,
    startedAt,
    startedMonotonicMs: performance.now(),
    key: null,
    model: '',
    status: 0,
    usage: null,
    firstTokenMs: null,
    isCut: false,
    onCut: null,
    seat: -1,
  }
}

/** The operation that a method and path name; the only one so far is a chat completion. */
export function accept(method: string, path: string): 'chat' | Failure {
  if (path !== chatPath) return noSuchRoute
  return method === 'POST' ? 'chat' : onlyPost
}

/** Whether a path is served by the data plane: management lives beside it under other prefixes. */
export function isDataPlane(path: string): boolean {
  return path.startsWith('/v1/') && !path.startsWith('/v1/gateway/') && !path.startsWith('/v1/audit_logs')
}
