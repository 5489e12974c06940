import type { Failure } from '../../domain/failure.ts'
import { type DressedFailure, dressed, retryAfterSeconds } from '../../domain/failure-table.ts'
import { wordManagement } from '../failures.ts'

/** As the APIs under `/api` have it: the body that clients of other gateways know. */
export function dressAdmin(failure: Failure): DressedFailure {
  const { status, message, headers = [] } = wordManagement(failure)
  const isClosed = failure.failure === 'unauthenticated'
  return dressed(status, isClosed ? ['www-authenticate', 'Bearer'] : headers, {
    is_bifrost_error: false,
    status_code: status,
    error: { message: ownWords(failure) ?? message },
    extra_fields: {},
  })
}

/** What is said here in other words than elsewhere; null: nothing. */
function ownWords(failure: Failure): string | null {
  switch (failure.failure) {
    case 'unauthenticated':
      return failure.message ?? 'Unauthorized'
    case 'forbidden':
      return failure.message ?? null
    case 'limited':
      return `Too many failed logins. Try again in ${retryAfterSeconds(failure.limit.retryAfterMs)} seconds.`
    default:
      return null
  }
}
