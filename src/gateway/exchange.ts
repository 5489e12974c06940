import type { Failure } from '../domain/failure.ts'

/** Flat list of header names and values: name, value, name, value, … */
export type HeaderList = readonly string[]

/** Names of headers, and what names may begin with; all in lower case, of letters and hyphens. */
export interface HeaderChoice {
  readonly names: readonly string[]
  readonly prefixes: readonly string[]
}

/**
 * Something to be made of the headers, from the first value of each; names in lower case. Of the same headers it makes
 * the same, never `undefined`, and it does not look at their `Content-Length`.
 */
export type HeaderReading<T> = (header: (name: string) => string | null) => T

/**
 * One request of a client and the answer to it, as the gateway sees them. The HTTP room implements it, so that the
 * gateway does not know which server carries it.
 */
export interface Exchange {
  readonly method: string
  /** The path as it came, without the query. */
  readonly path: string
  /** With its question mark; empty when there is none. */
  readonly query: string
  /** The `Host`, or what a trusted proxy says it was. */
  readonly host: string | null
  /** The first value of a header; `name` in lower case. */
  header(name: string): string | null
  /**
   * What a function makes of the headers. Clients mostly send the same ones with each request of a connection, and then
   * it is made once.
   */
  fromHeaders<T>(read: HeaderReading<T>): T
  /**
   * True if a browser sent this from another site, or under a host name that is not ours. Doors that need no
   * credential refuse such a call.
   */
  isForeign(): boolean
  /** Every header as it came. The list is made for the caller. */
  headerList(): HeaderList
  /** The chosen headers as finished lines of a head: names in lower case, each line with its end. */
  headerLines(choice: HeaderChoice): string
  /** The whole body, or why it cannot be had; at once where it is there already. Read at most once. */
  readBody(limitBytes: number): Buffer | Failure | Promise<Buffer | Failure>
  /** Calls back once if the client leaves before the answer has ended. */
  onGone(then: () => void): void

  /** Sends a whole answer. Its bytes must not be reused. The headers are without framing: no length, no `Connection`. */
  respond(status: number, headers: HeaderList, body: Buffer): void
  /** Begins an answer whose length is not known. */
  start(status: number, headers: HeaderList): void
  /**
   * Sends a piece of a started answer; the bytes may be reused once it returns.
   * False: the client reads slowly, so wait for `onDrain` before sending more.
   */
  write(chunk: Buffer): boolean
  /** Calls back after each `write` that returned false, once the client has caught up; never after it has left. */
  onDrain(then: () => void): void
  /** Ends a started answer. */
  end(): void
  /** Ends a started answer so that the client cannot take it for complete. */
  cut(): void
}
