import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { StatementResult } from './sqlite-session.ts'

/** Runs statements at once, on this thread. */
export interface SqliteStatements {
  run(sql: string, parameters: readonly unknown[]): StatementResult
  runEach(sql: string, rows: readonly (readonly unknown[])[]): StatementResult
}

interface Prepared {
  readonly statement: StatementSync
  readonly returnsRows: boolean
}

/** Keeps the statements used last prepared: parsing costs more than most of them. */
export function sqliteStatements(database: DatabaseSync, capacity = 256): SqliteStatements {
  const cache = new Map<string, Prepared>()

  return {
    run(sql, parameters) {
      const { statement, returnsRows } = prepared(sql)
      const values = parameters as SQLInputValue[]
      if (returnsRows) return { rows: statement.all(...values), changes: 0 }
      return { rows: [], changes: Number(statement.run(...values).changes) }
    },

    runEach(sql, rows) {
      const { statement } = prepared(sql)
      let changes = 0
      for (const row of rows) changes += Number(statement.run(...(row as SQLInputValue[])).changes)
      return { rows: [], changes }
    },
  }

  function prepared(sql: string): Prepared {
    const known = cache.get(sql)
    if (known !== undefined) {
      cache.delete(sql)
      cache.set(sql, known)
      return known
    }
    const statement = database.prepare(sql)
    const made = { statement, returnsRows: statement.columns().length > 0 }
    cache.set(sql, made)
    for (const oldest of cache.keys()) {
      if (cache.size <= capacity) break
      cache.delete(oldest)
    }
    return made
  }
}
