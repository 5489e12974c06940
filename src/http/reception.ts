import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Failure } from '../domain/failure.ts'
import { draining } from '../gateway/draining.ts'
import type { Exchange } from '../gateway/exchange.ts'
import { type Caller, readCaller, type TrustCheck } from './caller.ts'
import { type Edge, type HostedExchange, openExchange } from './exchange.ts'
import { isHostName, joinHeader, type RequestHead, readHead } from './head.ts'
import { continueOnceRead, watchManaged } from './managed.ts'
import type { Dress } from './refusal.ts'
import { parseTarget, type RequestTarget } from './target.ts'

/** Who serves what a listener accepts. */
export interface Services {
  /** True for the paths of `dataPlane`; everything else is `management`'s. */
  isDataPlane(path: string): boolean
  dataPlane(exchange: Exchange): void | Promise<void>
  /** A listener of `node:http`; `caller` reads who sent the request. */
  management(request: IncomingMessage, response: ServerResponse, caller: () => Caller): void
  readonly dress: Dress
  /** Takes what was thrown while a request was served; returns the id that its caller is told. */
  bug(error: unknown): string
}

/** Takes requests as Node's parser delivers them, or as sound ones of the data plane. */
export interface Reception {
  receive(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void
  /** Refuses an expectation other than `100-continue`. */
  refuseExpectation(request: IncomingMessage, response: ServerResponse): void
  /** Serves a sound request of the data plane. */
  call(hosted: HostedExchange): void
}

/** Where a request that names no resource of ours is taken to go. */
const unreadable = { path: '/', query: '' } as const
const unknownExpectation: Failure = { failure: 'invalid', message: 'Expect may only ask for 100-continue.' }

/** Judges what is wrong with a request as such, and hands what is sound to whom it is meant for. */
export function openReception(services: Services, edge: Edge, isTrusted: TrustCheck): Reception {
  const { dress } = services

  function receive(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const head = readHead(request.rawHeaders)
    const target = parseTarget(request.url ?? '')
    const failure = edge.isDraining() ? draining : faultOf(request, head, target)
    if (failure === null && target !== null && !services.isDataPlane(target.path)) {
      manage(request, response, head, target, awaitsContinue)
      return
    }
    const hosted = host(request, response, head, target, awaitsContinue)
    if (hosted === null) return
    if (failure !== null) refuse(hosted, failure)
    else call(hosted)
  }

  function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
    const target = parseTarget(request.url ?? '')
    const hosted = host(request, response, readHead(request.rawHeaders), target, true)
    if (hosted !== null) refuse(hosted, unknownExpectation, 417)
  }

  function host(
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    target: RequestTarget | null,
    awaitsContinue: boolean,
  ): HostedExchange | null {
    const connection = edge.connections.begin(request.socket, response)
    if (connection === null) return null
    const { path, query } = target ?? unreadable
    return openExchange({ request, response, head, path, query, connection, awaitsContinue }, edge)
  }

  function call(hosted: HostedExchange): void {
    try {
      services.dataPlane(hosted)?.catch((error: unknown) => failWith(hosted, error))
    } catch (error) {
      failWith(hosted, error)
    }
  }

  function failWith(hosted: HostedExchange, error: unknown): void {
    const id = services.bug(error)
    if (hosted.hasBegun()) hosted.cut()
    else refuse(hosted, { failure: 'internal', id })
  }

  function refuse(exchange: Exchange, failure: Failure, status?: number): void {
    const dressed = dress(failure, exchange.path)
    exchange.respond(status ?? dressed.status, dressed.headers, dressed.body)
  }

  function manage(
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    target: RequestTarget,
    awaitsContinue: boolean,
  ): void {
    const connection = edge.connections.begin(request.socket, response)
    if (connection === null) return
    watchManaged(request, response, target.path, connection, edge)
    request.url = target.path + target.query
    if (awaitsContinue) continueOnceRead(request, response)
    const peer = request.socket.remoteAddress ?? ''
    const valuesOf = (name: string) => joinHeader(request.rawHeaders, name)
    try {
      services.management(request, response, () =>
        readCaller(peer, head.host, valuesOf, isTrusted, edge.ownNames),
      )
    } catch (error) {
      const { status, headers, body } = dress({ failure: 'internal', id: services.bug(error) }, target.path)
      if (response.headersSent) response.destroy()
      else response.writeHead(status, [...headers, 'content-length', String(body.length)]).end(body)
    }
  }

  return { receive, refuseExpectation, call }
}

/** What makes a request unsound whoever it is for; null when it is sound. */
function faultOf(request: IncomingMessage, head: RequestHead, target: RequestTarget | null): Failure | null {
  if (target === null)
    return { failure: 'invalid', message: 'The request target is not a path of this server.' }
  if (head.hostCount !== 1 && (head.hostCount > 1 || request.httpVersion === '1.1'))
    return { failure: 'invalid', message: 'A request names its Host exactly once.' }
  if (head.host !== null && !isHostName(head.host))
    return { failure: 'invalid', message: 'The Host is not a host name.' }
  if (target.authority !== null && target.authority.toLowerCase() !== head.host?.toLowerCase())
    return { failure: 'invalid', message: 'The request target and the Host name different hosts.' }
  if (head.transferEncoding !== null && head.transferEncoding.toLowerCase() !== 'chunked')
    return { failure: 'invalid', message: 'The only Transfer-Encoding known here is chunked.' }
  return null
}
