import type { MessagePort } from 'node:worker_threads'
import type { Database } from './database.ts'
import { openSqliteConnection } from './sqlite-connection.ts'
import { sqliteDatabase } from './sqlite-database.ts'
import { serveSqlite } from './sqlite-port.ts'

/** The one writer of a file, living on the thread that opened it. */
export interface SqliteWriter {
  /** For this thread. Its statements, reads included, block it. */
  readonly database: Database
  /** Lets another thread write through this connection, taking turns with `database`. */
  serve(port: MessagePort): void
  /** Waits for the transaction under way. */
  close(): Promise<void>
}

/**
 * Opens the file, and makes it where there is none. Throws when that cannot be.
 *
 * `busyTimeoutMs` is how long another process may hold the file before a transaction fails as unavailable.
 */
export function openSqliteWriter(path: string, busyTimeoutMs?: number): SqliteWriter {
  const writer = openSqliteConnection(path, 'write', busyTimeoutMs)
  const database = sqliteDatabase(writer, openSqliteConnection(path, 'read'))
  return {
    database,
    serve: (port) => serveSqlite(writer, port),
    close: database.close,
  }
}
