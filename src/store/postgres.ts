import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Database } from './database.ts'
import { StoreUnavailable } from './errors.ts'
import type { Schema } from './schema.ts'

export interface PostgresOptions {
  /** Most connections at once. */
  readonly connections?: number
  /** Most time of one statement; 0 for a migration or a copy that may take as long as it needs. */
  readonly statementTimeoutMs?: number
}

const connectTimeoutMs = 5_000
const idleInTransactionTimeoutMs = 30_000

/** How much later than the server's own time limit a silent connection is given up. */
const silenceMs = 1_000

/**
 * Opens a pool on a Postgres database; connects at the first statement. Every wait has a limit. Parameters of the
 * URL win over these.
 *
 * In a transaction a failed statement dooms those after it: `transaction` throws even where `work` caught the
 * error.
 *
 * Known limit: PgBouncer refuses the time limits unless `ignore_startup_parameters` names them.
 */
export function openPostgres(url: string, options: PostgresOptions = {}): Database {
  const { connections = 10, statementTimeoutMs = 30_000 } = options
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'tollgate',
    max: connections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    ...(statementTimeoutMs > 0 ? { query_timeout: statementTimeoutMs + silenceMs } : {}),
    keepAlive: true,
    // A server that stands still never answers a goodbye: that must not keep the process from ending.
    allowExitOnIdle: true,
    types: { getTypeParser },
  })
  // A lost connection fails the statement on it, or nothing where it was idle: unheard, it would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', () => {})

  const kysely = new Kysely<Schema>({
    dialect: new PostgresDialect({
      pool: { options: {}, connect: () => connect(pool), end: async () => {} },
    }),
  })
  return {
    kind: 'postgres',
    read: kysely,
    transaction: (work) => kysely.transaction().execute(work),
    async close() {
      await kysely.destroy()
      await pool.end()
    },
  }
}

/** A pooled connection that is not used again once it was lost or fell silent. */
async function connect(pool: pg.Pool): Promise<PostgresPoolClient> {
  const client = await pool.connect().catch((error) => {
    throw asUnavailable(error)
  })
  let isLost = false

  async function query(text: string, parameters: unknown[]): Promise<unknown> {
    if (isLost) throw new StoreUnavailable('Postgres: the connection was lost')
    try {
      return await client.query(text, parameters)
    } catch (error) {
      const told = asUnavailable(error)
      isLost ||= told instanceof StoreUnavailable
      throw told
    }
  }
  return {
    // Its second form is for cursors, which nothing here opens.
    query: query as PostgresPoolClient['query'],
    release: (destroy) => client.release(isLost || destroy),
  }
}

/** The server's own errors and those of `getTypeParser` are passed on; all others come from the connection. */
function asUnavailable(error: unknown): unknown {
  if (error instanceof pg.DatabaseError || error instanceof RangeError || !(error instanceof Error))
    return error
  return new StoreUnavailable(`Postgres: ${error.message}`, { cause: error })
}

const { INT8, NUMERIC } = pg.types.builtins

/** `bigint` and its sums, which Postgres widens to `numeric`, arrive as numbers. */
function getTypeParser(type: number, format?: 'text' | 'binary') {
  return type === INT8 || type === NUMERIC ? exactNumber : pg.types.getTypeParser(type, format as 'text')
}

function exactNumber(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    throw new RangeError(`${text} is beyond what a number holds exactly`)
  }
  return number
}
