import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type DialectAdapter,
  type Driver,
  RawNode,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { SqliteSession, SqliteSessions } from './sqlite-session.ts'

/** Marks a compiled query whose parameters are rows: the statement runs once for each. */
export const eachRow = RawNode.createWithSql('each row')

/** Kysely's dialect over sessions, in this thread or of another one. */
export function sqliteDialect(sessions: SqliteSessions): Dialect {
  return {
    createAdapter: () => adapter,
    createDriver: () => sqliteDriver(sessions),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

/** Kysely's own adapter queues on the calling side and denies SQLite its transactional DDL. */
const adapter: DialectAdapter = {
  supportsCreateIfNotExists: true,
  supportsMultipleConnections: true,
  supportsTransactionalDdl: true,
  supportsReturning: true,
  supportsOutput: false,
  acquireMigrationLock: async () => {},
  releaseMigrationLock: async () => {},
}

interface SessionConnection extends DatabaseConnection {
  readonly session: SqliteSession
}

function sqliteDriver(sessions: SqliteSessions): Driver {
  return {
    init: async () => {},
    acquireConnection: async () => connectionOf(sessions.openSession()),
    beginTransaction: (connection) => sessionOf(connection).begin(),
    commitTransaction: (connection) => sessionOf(connection).commit(),
    rollbackTransaction: (connection) => sessionOf(connection).rollback(),
    releaseConnection: async () => {},
    destroy: async () => {},
  }
}

function sessionOf(connection: DatabaseConnection): SqliteSession {
  return (connection as SessionConnection).session
}

function connectionOf(session: SqliteSession): SessionConnection {
  return {
    session,
    async executeQuery<Row>(query: CompiledQuery) {
      const { rows, changes } =
        query.query === eachRow
          ? await session.runEach(query.sql, query.parameters as readonly (readonly unknown[])[])
          : await session.run(query.sql, query.parameters)
      return { rows: rows as Row[], numAffectedRows: BigInt(changes) }
    },
    streamQuery() {
      throw new Error('rows are not streamed: read them in pages')
    },
  }
}
