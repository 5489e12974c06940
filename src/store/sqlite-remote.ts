import type { MessagePort } from 'node:worker_threads'
import type { Database } from './database.ts'
import { StoreUnavailable } from './errors.ts'
import { sqliteDatabase } from './sqlite-database.ts'
import type { CarriedError, SqliteAnswer, SqliteRequest } from './sqlite-port.ts'
import type { SqliteSession, SqliteSessions, StatementResult } from './sqlite-session.ts'

/** The database of connections that other threads serve on these ports. Closing it closes the ports. */
export function connectSqlite(ports: { writer: MessagePort; reader: MessagePort }): Database {
  return sqliteDatabase(remoteSessions(ports.writer), remoteSessions(ports.reader))
}

interface Pending {
  resolve(result: StatementResult): void
  reject(error: Error): void
}

type Distribute<T> = T extends unknown ? Omit<T, 'id' | 'session'> : never
type Wish = Distribute<SqliteRequest>

/** Sessions of a connection at the other end of a port. What is under way when the port closes fails. */
function remoteSessions(port: MessagePort): SqliteSessions {
  const pending = new Map<number, Pending>()
  let lastId = 0
  let lastTransaction = 0
  let isClosed = false

  port.on('message', (answer: SqliteAnswer) => {
    const asked = pending.get(answer.id)
    pending.delete(answer.id)
    if ('error' in answer) asked?.reject(rebuilt(answer.error))
    else asked?.resolve(answer.result)
  })
  port.once('close', () => {
    isClosed = true
    for (const asked of pending.values()) asked.reject(new StoreUnavailable('the database thread is gone'))
    pending.clear()
  })

  return {
    openSession,
    async close() {
      isClosed = true
      port.close()
    },
  }

  function openSession(): SqliteSession {
    let transaction = 0
    return {
      async begin() {
        lastTransaction += 1
        transaction = lastTransaction
        await ask(transaction, { verb: 'begin' })
      },
      commit: () => end('commit'),
      rollback: () => end('rollback'),
      run: (sql, parameters) => ask(transaction, { verb: 'run', sql, parameters }),
      runEach: (sql, rows) => ask(transaction, { verb: 'runEach', sql, rows }),
    }

    async function end(verb: 'commit' | 'rollback'): Promise<void> {
      const ended = transaction
      transaction = 0
      if (ended !== 0) await ask(ended, { verb })
    }
  }

  function ask(session: number, wish: Wish): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      if (isClosed) throw new StoreUnavailable('the database is closed')
      lastId += 1
      port.postMessage({ id: lastId, session, ...wish })
      pending.set(lastId, { resolve, reject })
    })
  }
}

function rebuilt({ message, unavailable, code, errcode }: CarriedError): Error {
  if (unavailable) return new StoreUnavailable(message)
  return Object.assign(new Error(message), { code, errcode })
}
