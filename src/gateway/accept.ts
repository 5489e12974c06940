import type { Failure } from '../domain/failure.ts'
import type { RequestId } from '../domain/ids.ts'
import type { Call } from './call.ts'
import type { Exchange, HeaderList } from './exchange.ts'
import { frontierDoor } from './frontier-door.ts'
import { isModelsPath } from './list-models.ts'
import { type Served, servedByPath, servedModels } from './operations.ts'
import type { Room } from './room.ts'

export const noSuchRoute: Failure = { failure: 'not_found', what: 'route' }
const onlyPost: Failure = { failure: 'method_not_allowed', allow: ['POST'] }
const onlyGet: Failure = { failure: 'method_not_allowed', allow: ['GET', 'HEAD'] }

const noHeaders: HeaderList = []

/** Names the request and begins its record. */
export function open(exchange: Exchange, room: Room): Call {
  const startedAt = room.clock()
  return {
    id: room.newUlid(startedAt) as RequestId,
    exchange,
    startedAt,
    startedMonotonicMs: performance.now(),
    key: null,
    virtualKey: null,
    door: frontierDoor,
    model: '',
    status: 0,
    usage: null,
    firstTokenMs: null,
    isCut: false,
    doorHeaders: noHeaders,
    onCut: null,
    seat: -1,
  }
}

/** What a method and a path name: something that a model does, or the list of the models there are. */
export function accept(method: string, path: string): Served | Failure {
  const served = servedByPath.get(path)
  if (served !== undefined) return method === 'POST' ? served : onlyPost
  if (!isModelsPath(path)) return noSuchRoute
  return method === 'GET' || method === 'HEAD' ? servedModels : onlyGet
}

/** Whether a path is served by the data plane: management lives beside it under other prefixes. */
export function isDataPlane(path: string): boolean {
  return path.startsWith('/v1/') && !isWithin(path, '/v1/gateway') && !isWithin(path, '/v1/audit_logs')
}

function isWithin(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/')
}
