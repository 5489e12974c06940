import type { Failure } from '../domain/failure.ts'
import type { RequestId } from '../domain/ids.ts'
import type { Call } from './call.ts'
import type { Exchange } from './exchange.ts'
import { isModelsPath } from './list-models.ts'
import { type Operation, operations } from './operations.ts'
import type { Room } from './room.ts'

const noSuchRoute: Failure = { failure: 'not_found', what: 'route' }
const onlyPost: Failure = { failure: 'method_not_allowed', allow: ['POST'] }
const onlyGet: Failure = { failure: 'method_not_allowed', allow: ['GET', 'HEAD'] }

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

/** What a method and a path name: an operation of a model, or the list of the models there are. */
export function accept(method: string, path: string): Operation | 'models' | Failure {
  const operation = operations.get(path)
  if (operation !== undefined) return method === 'POST' ? operation : onlyPost
  if (!isModelsPath(path)) return noSuchRoute
  return method === 'GET' || method === 'HEAD' ? 'models' : onlyGet
}

/** Whether a path is served by the data plane: management lives beside it under other prefixes. */
export function isDataPlane(path: string): boolean {
  return path.startsWith('/v1/') && !isWithin(path, '/v1/gateway') && !isWithin(path, '/v1/audit_logs')
}

function isWithin(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/')
}
