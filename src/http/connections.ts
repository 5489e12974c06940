import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Failure } from '../domain/failure.ts'

/** A request being served, as its connection sees it. */
export interface Served {
  /** The client has left. */
  leave(): void
  /**
   * Nothing more can be read from the client, because of `failure`. False if the client is to be told of it in place
   * of this request's answer; true if there is an answer, or will be. Absent where Node's parser has no part.
   */
  spoil?(failure: Failure): boolean
  /** A look now and then, for what takes too long. */
  inspect(nowMs: number): void
}

/** What we know of one connection of a client. */
export interface Connection {
  readonly socket: Socket
  /** The peer is a proxy whose `X-Forwarded-*` we believe. */
  readonly isTrusted: boolean
  /** In the order of their arrival; more than one only if the client pipelines. */
  readonly serving: Served[]
  /** The answer to the newest request, which may still be waiting for its turn. */
  latest: ServerResponse | null
  /** Until when the rest of a refused request is read past; Infinity when there is none. */
  discardUntilMs: number
  /** Bytes received when that began. */
  discardFromBytes: number
  /** The last answer has been given: whatever still comes gets none. */
  isClosing: boolean
  /** Since when a head is waited for that is not Node's to wait for; Infinity when there is none. */
  headSinceMs: number
  /** Called once that has taken too long. */
  headOverdue: () => void
  /** A request came since the last look. */
  wasBusy: boolean
}

/** All connections of a server, and the one timer that watches them. */
export interface Connections {
  add(socket: Socket, isTrusted: boolean): Connection
  /** Undefined once the connection has closed. */
  of(socket: Socket): Connection | undefined
  /** Counts a request in, before it is served. Null if its connection is beyond serving. */
  begin(socket: Socket, response: ServerResponse): Connection | null
  /** The same where there is no parser of Node's, and nothing that could make it wait for its turn. */
  enter(connection: Connection, served: Served): void
  /** Counts a request out: it is answered, or its client has left. Once for each one begun. */
  settle(connection: Connection, served: Served): void
  /** Resolves once nothing is served, or after `limitMs`. */
  quiet(limitMs: number): Promise<void>
  /** Resolves once there is no connection and every client that left was told of, or after `limitMs`. */
  emptied(limitMs: number): Promise<void>
  /** Closes each connection once what is written to it has been sent. */
  finishAll(): void
  destroyAll(): void
  /** Stops watching. */
  stop(): void
  count(): number
  servingCount(): number
}

/** How long a connection may do nothing. */
export interface Patience {
  /** For a head to come whole: from its first byte, or from the connection's begin for the first one. */
  readonly headMs: number
  /** Between two requests. */
  readonly idleMs: number
  /**
   * With an answer to send and none of it taken. What the kernel has not taken of one large write shows as progress
   * only when all of it is taken, so this must leave time for the largest answer that is sent in one piece.
   */
  readonly stallMs: number
}

/** What a client gets to read the refusal of a request that it is still sending, before it is cut off. */
export const discardLimits = { bytes: 1024 * 1024, ms: 1000 } as const

// A client that sends this many requests without reading an answer wants our memory, not our answers.
const maxPipelined = 64

/**
 * No request sets a timer: every limit is found by a look at all connections, each `inspectEveryMs`, that compares
 * numbers the connections keep anyway. So limits hold to within one interval.
 */
export function openConnections(
  patience: Patience,
  inspectEveryMs: number,
  nowMs: () => number,
): Connections {
  const all = new Map<Socket, WatchedConnection>()
  let serving = 0
  let becomeQuiet = () => {}
  let becomeEmpty = () => {}
  const timer = setInterval(inspectAll, inspectEveryMs)
  timer.unref()

  function inspectAll(): void {
    const now = nowMs()
    for (const connection of all.values()) {
      if (isOverdue(connection, patience, now)) connection.socket.destroy()
      else if (now - connection.headSinceMs >= patience.headMs) connection.headOverdue()
      else for (const served of connection.serving.slice()) served.inspect(now)
    }
  }

  return {
    add(socket, isTrusted) {
      const connection = watched(socket, isTrusted, nowMs())
      all.set(socket, connection)
      const leaveAll = () => {
        for (const served of connection.serving.slice()) served.leave()
      }
      // Half-closed counts as gone: a client that wants its answer keeps its side open.
      socket.once('end', leaveAll)
      socket.once('close', () => {
        all.delete(socket)
        leaveAll()
        if (all.size === 0) becomeEmpty()
      })
      return connection
    },
    of: (socket) => all.get(socket),
    begin(socket, response) {
      const connection = all.get(socket)
      if (connection === undefined || socket.destroyed) return null
      if (connection.serving.length >= maxPipelined) {
        socket.destroy()
        return null
      }
      connection.wasBusy = true
      connection.latest = response
      serving++
      return connection
    },
    enter(connection, served) {
      connection.wasBusy = true
      connection.serving.push(served)
      serving++
    },
    settle(connection, served) {
      const at = connection.serving.indexOf(served)
      if (at === connection.serving.length - 1) connection.serving.pop()
      else if (at >= 0) connection.serving.splice(at, 1)
      serving--
      if (serving === 0) becomeQuiet()
    },
    quiet: (limitMs) =>
      within(limitMs, serving === 0, (resolve) => {
        becomeQuiet = resolve
      }),
    emptied: (limitMs) =>
      within(limitMs, all.size === 0, (resolve) => {
        becomeEmpty = resolve
      }),
    finishAll() {
      for (const { socket } of all.values()) socket.destroySoon()
    },
    destroyAll() {
      for (const { socket } of all.values()) socket.destroy()
    },
    stop: () => clearInterval(timer),
    count: () => all.size,
    servingCount: () => serving,
  }
}

/** A connection and what the last look at it saw. */
interface WatchedConnection extends Connection {
  idleSinceMs: number
  seenSent: number
  seenUnsent: number
  stalledSinceMs: number
}

function watched(socket: Socket, isTrusted: boolean, now: number): WatchedConnection {
  return {
    socket,
    isTrusted,
    serving: [],
    latest: null,
    discardUntilMs: Infinity,
    discardFromBytes: 0,
    isClosing: false,
    headSinceMs: Infinity,
    headOverdue: () => {},
    wasBusy: false,
    idleSinceMs: now,
    seenSent: 0,
    seenUnsent: 0,
    stalledSinceMs: now,
  }
}

function isOverdue(connection: WatchedConnection, patience: Patience, now: number): boolean {
  const { socket } = connection
  const unsent = socket.writableLength
  const sent = socket.bytesWritten
  if (unsent === 0 || unsent !== connection.seenUnsent || sent !== connection.seenSent)
    connection.stalledSinceMs = now
  if (connection.wasBusy || connection.serving.length > 0 || unsent > 0) connection.idleSinceMs = now
  connection.wasBusy = false
  connection.seenUnsent = unsent
  connection.seenSent = sent
  return (
    (now >= connection.discardUntilMs && connection.serving.length === 0) ||
    now - connection.stalledSinceMs >= patience.stallMs ||
    now - connection.idleSinceMs >= patience.idleMs
  )
}

/** Resolves when `listen`'s callback is called, at once if it is so already, and at the latest after `limitMs`. */
function within(limitMs: number, isSo: boolean, listen: (resolve: () => void) => void): Promise<void> {
  if (isSo) return Promise.resolve()
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, Math.max(0, limitMs))
    listen(() => {
      clearTimeout(limit)
      resolve()
    })
  })
}
