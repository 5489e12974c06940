import { exitCodes } from '../cli/program.ts'
import type { Failure } from '../domain/failure.ts'
import { StoreUnavailable } from '../store/errors.ts'

/** Thrown to end a command for a reason that its operator has to mend: the message is all that they are shown. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.configuration) {
    super(message)
    this.exitCode = exitCode
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'no such address on this machine',
  EAI_AGAIN: 'no such name',
  EDQUOT: 'the disk is full',
  EEXIST: 'a file is in the way',
  ENOENT: 'no such place',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file is in the way',
  ENOTFOUND: 'no such name',
  EPERM: 'this user may not',
  EROFS: 'the file system is read-only',
}

/** Why the system refused something, in words; null for an error that is none of the system's. */
export function wordSystemError(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  if (error.code === 'ERR_SQLITE_ERROR') return error.message
  return 'syscall' in error ? (reasons[String(error.code)] ?? String(error.code)) : null
}

/**
 * What an operator is told of an error that a file, an address or a database gave. What may pass by itself exits with
 * 1, so that a supervisor tries again. Null for a bug.
 */
export function refusalOf(error: unknown): Refused | null {
  if (error instanceof Refused) return error
  if (error instanceof StoreUnavailable) {
    return new Refused(`database.url: the database does not answer: ${error.message}`, exitCodes.refused)
  }
  const reason = wordSystemError(error)
  if (reason !== null) {
    const place = (error as NodeJS.ErrnoException).path ?? 'database.url'
    return new Refused(`${place}: ${reason}`)
  }
  const isOfPostgres = error instanceof Error && 'severity' in error
  return isOfPostgres ? new Refused(`database.url: ${error.message}`) : null
}

/** A failure's own words, or its kind where it has none. */
export function messageOf(failure: Failure): string {
  return 'message' in failure ? failure.message : failure.failure
}
