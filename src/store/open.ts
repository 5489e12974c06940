import type { Failure } from '../domain/failure.ts'
import type { Database } from './database.ts'
import type { PostgresOptions } from './postgres.ts'
import { openSqliteWriter } from './sqlite-writer.ts'

/** Where a database is. */
export type DatabaseLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }

/** Reads `sqlite:<path>`, `postgres://…` or `postgresql://…`. A fault never repeats the text: it may hold a password. */
export function parseDatabaseUrl(text: string): DatabaseLocation | Failure {
  if (/^sqlite:./.test(text)) return { kind: 'sqlite', path: text.slice('sqlite:'.length) }
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) return { kind: 'postgres', url: text }
  return {
    failure: 'invalid',
    message: 'a database is sqlite:<path> or postgres://<user>:<password>@<host>/<name>',
  }
}

/**
 * Opens a database as it is, for a command that shares it with nobody in its process: SQLite holds this thread up while
 * it works. Throws when a SQLite file cannot be opened; a Postgres that cannot be reached shows at the first statement.
 */
export async function openDatabase(location: DatabaseLocation, options?: PostgresOptions): Promise<Database> {
  if (location.kind === 'sqlite') return openSqliteWriter(location.path).database
  // Who keeps to SQLite does not load the driver.
  const { openPostgres } = await import('./postgres.ts')
  return openPostgres(location.url, options)
}
