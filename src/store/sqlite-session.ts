/** What a statement did. Rows are plain objects by column name. */
export interface StatementResult {
  readonly rows: readonly unknown[]
  /** Rows inserted, updated or deleted; 0 for a statement that returns rows. */
  readonly changes: number
}

/**
 * One user of a connection, wherever the connection lives.
 *
 * Between `begin` and `commit` or `rollback` the connection is its own; a statement outside of them takes its
 * turn among the others and stands alone.
 */
export interface SqliteSession {
  begin(): Promise<void>
  /** Ends the transaction also when it throws. */
  commit(): Promise<void>
  /** Does nothing where no transaction is open. */
  rollback(): Promise<void>
  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult>
  /** Runs one statement for each row of parameters. */
  runEach(sql: string, rows: readonly (readonly unknown[])[]): Promise<StatementResult>
}

/** A connection, or the far end of one. */
export interface SqliteSessions {
  openSession(): SqliteSession
  /** Waits for the transaction under way. What is asked afterwards fails with `StoreUnavailable`. */
  close(): Promise<void>
}
