/**
 * Whether the database will never take these rows, however often it is asked: a value that it cannot hold, or an id
 * that is there already. Any other error may pass, if only after an engineer has mended something.
 */
export function isRefused(error: unknown): boolean {
  const { code, errcode } =
    typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  if (code === 'ERR_SQLITE_ERROR') return sqliteCodes.has(Number(errcode) & 0xff)
  return typeof code === 'string' && (postgresCodes.test(code) || bindingCodes.has(code))
}

/** TOOBIG, CONSTRAINT, MISMATCH, RANGE. */
const sqliteCodes = new Set([18, 19, 20, 25])

/** Classes of SQLSTATE: data exceptions and broken constraints. */
const postgresCodes = /^2[23]...$/

/** What `node:sqlite` throws at a value that is none of its types. */
const bindingCodes = new Set(['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE'])
