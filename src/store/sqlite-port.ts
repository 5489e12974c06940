import type { MessagePort } from 'node:worker_threads'
import { StoreUnavailable } from './errors.ts'
import type { SqliteSession, SqliteSessions, StatementResult } from './sqlite-session.ts'

/** What one thread asks of another's connection. Session 0 stands for statements outside of transactions. */
export type SqliteRequest = { readonly id: number; readonly session: number } & (
  | { readonly verb: 'begin' | 'commit' | 'rollback' }
  | { readonly verb: 'run'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly verb: 'runEach'; readonly sql: string; readonly rows: readonly (readonly unknown[])[] }
)

export type SqliteAnswer =
  | { readonly id: number; readonly result: StatementResult }
  | { readonly id: number; readonly error: CarriedError }

/** An error's fields that tell what it was: cloning an `Error` between threads drops them. */
export interface CarriedError {
  readonly message: string
  readonly unavailable: boolean
  readonly code: unknown
  readonly errcode: unknown
}

const done: StatementResult = { rows: [], changes: 0 }

/**
 * Serves a connection to the thread at the other end of the port until the port closes. Its transactions take
 * their turns with everyone else's; one that is open when the port closes is rolled back.
 */
export function serveSqlite(connection: SqliteSessions, port: MessagePort): void {
  const alone = connection.openSession()
  const transactions = new Map<number, SqliteSession>()
  let isClosed = false

  port.on('message', (request: SqliteRequest) => {
    void perform(request).then(
      (result) => port.postMessage({ id: request.id, result } satisfies SqliteAnswer),
      (error) => port.postMessage({ id: request.id, error: carried(error) } satisfies SqliteAnswer),
    )
  })
  port.once('close', () => {
    isClosed = true
    for (const session of transactions.values()) void session.rollback()
    transactions.clear()
  })

  async function perform(request: SqliteRequest): Promise<StatementResult> {
    if (request.verb === 'begin') return begin(request.session)
    const session = request.session === 0 ? alone : transactions.get(request.session)
    if (session === undefined) throw new StoreUnavailable('the transaction is not open any more')
    if (request.verb === 'run') return session.run(request.sql, request.parameters)
    if (request.verb === 'runEach') return session.runEach(request.sql, request.rows)
    transactions.delete(request.session)
    await session[request.verb]()
    return done
  }

  async function begin(id: number): Promise<StatementResult> {
    const session = connection.openSession()
    await session.begin()
    if (isClosed) await session.rollback()
    else transactions.set(id, session)
    return done
  }
}

function carried(error: unknown): CarriedError {
  const { message, code, errcode } = error as { message: string; code?: unknown; errcode?: unknown }
  return { message, unavailable: error instanceof StoreUnavailable, code, errcode }
}
