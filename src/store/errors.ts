/** The database did not answer, or not in time. Nothing is known of the statement that was under way. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** Primary result codes of SQLite: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN. */
const sqliteCodes = new Set([5, 6, 8, 10, 13, 14])

/**
 * SQLSTATEs and classes of Postgres: connection lost, resources spent, statement cancelled by its time limit,
 * shutting down, read-only server, lost races for locks.
 */
const postgresCodes = /^(08...|53...|57014|57P0.|25006|25P03|55P03|40001|40P01)$/

/**
 * Whether an error says that the database cannot do now what it may do later: locked, full, read-only, away.
 *
 * The same statement may be tried again, but after a lost connection it may have been committed already.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return true
  const { code, errcode } = fieldsOf(error)
  if (code === 'ERR_SQLITE_ERROR') return sqliteCodes.has(Number(errcode) & 0xff)
  return typeof code === 'string' && postgresCodes.test(code)
}

/**
 * The columns whose uniqueness a write broke, as `table(column, column)`; null for any other error.
 *
 * Both databases say the same for a primary key, a unique index and a unique index with a condition.
 */
export function uniqueViolation(error: unknown): string | null {
  const { code, errcode, message, table, detail } = fieldsOf(error)
  if (code === '23505') {
    const columns = /\(([^()]*)\)=\(/.exec(String(detail))?.[1]
    return columns === undefined ? null : `${table}(${columns.replaceAll('"', '')})`
  }
  if (code !== 'ERR_SQLITE_ERROR' || !uniqueCodes.has(Number(errcode))) return null
  const qualified = String(message).slice('UNIQUE constraint failed: '.length).split(', ')
  const columns = qualified.map((name) => name.slice(name.indexOf('.') + 1))
  return `${qualified[0]?.split('.')[0]}(${columns.join(', ')})`
}

/** SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE. */
const uniqueCodes = new Set([1555, 2067])

function fieldsOf(error: unknown): Record<string, unknown> {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
}
