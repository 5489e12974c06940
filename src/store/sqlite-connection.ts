import { DatabaseSync } from 'node:sqlite'
import { StoreUnavailable } from './errors.ts'
import type { SqliteSession, SqliteSessions } from './sqlite-session.ts'
import { sqliteStatements } from './sqlite-statements.ts'
import { turnQueue } from './turns.ts'

export type SqliteAccess = 'write' | 'read'

/** How long another process may hold the file; the thread stands still for so long. */
const defaultBusyTimeoutMs = 5_000

/** How long a session waits for the transactions of others. */
const turnLimitMs = 30_000

/**
 * Opens a connection on this thread; its statements block the thread.
 *
 * A writer makes the file where there is none, in WAL mode, and each commit is on the disk before it returns. A
 * reader sees what was committed when its statement (or transaction) began, and needs an existing file. Throws
 * when the file cannot be opened or is no database.
 */
export function openSqliteConnection(
  path: string,
  access: SqliteAccess,
  busyTimeoutMs = defaultBusyTimeoutMs,
): SqliteSessions {
  const database = new DatabaseSync(path, {
    readOnly: access === 'read',
    timeout: busyTimeoutMs,
    enableForeignKeyConstraints: false,
  })
  if (access === 'write') database.exec('pragma journal_mode = wal; pragma synchronous = full')
  // A reader would fail at its first statement: it should fail here.
  else database.exec('pragma schema_version')

  const turns = turnQueue(turnLimitMs)
  const statements = sqliteStatements(database)
  // Taking the write lock at once: a transaction that reads first and then writes could not be made to wait.
  const begin = access === 'write' ? 'begin immediate' : 'begin'
  let isClosed = false

  return {
    openSession,
    async close() {
      if (isClosed) return
      isClosed = true
      await turns.take().catch(() => {})
      database.close()
    },
  }

  function openSession(): SqliteSession {
    let ownsTurn = false

    return {
      async begin() {
        await takeTurn()
        ownsTurn = true
        try {
          database.exec(begin)
        } catch (error) {
          end()
          throw error
        }
      },
      async commit() {
        try {
          inTransaction(() => database.exec('commit'))
        } finally {
          end()
        }
      },
      async rollback() {
        end()
      },
      run: (sql, parameters) => inTurn(() => statements.run(sql, parameters)),
      runEach: (sql, rows) => inTurn(() => statements.runEach(sql, rows)),
    }

    async function inTurn<T>(work: () => T): Promise<T> {
      if (ownsTurn) return inTransaction(work)
      await takeTurn()
      try {
        return work()
      } finally {
        turns.give()
      }
    }

    /** SQLite ends a transaction by itself when the disk fails: what follows must not run outside of one. */
    function inTransaction<T>(work: () => T): T {
      if (!database.isTransaction) throw new StoreUnavailable('the transaction is not open any more')
      return work()
    }

    function end(): void {
      if (!ownsTurn) return
      ownsTurn = false
      try {
        if (database.isTransaction) database.exec('rollback')
      } finally {
        turns.give()
      }
    }
  }

  async function takeTurn(): Promise<void> {
    if (isClosed) throw new StoreUnavailable('the database is closed')
    await turns.take()
  }
}
