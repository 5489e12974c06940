import type { Failure } from '../../domain/failure.ts'
import { type DressedFailure, dressed } from '../../domain/failure-table.ts'
import { wordManagement } from '../failures.ts'

/** As the APIs under `/api` have it: the body that clients of other gateways know. */
export function dressAdmin(failure: Failure): DressedFailure {
  const { status, message, headers = [] } = wordManagement(failure)
  const isClosed = failure.failure === 'unauthenticated'
  return dressed(status, isClosed ? ['www-authenticate', 'Bearer'] : headers, {
    is_bifrost_error: false,
    status_code: status,
    error: { message: isClosed ? wordClosed(failure.reason) : message },
    extra_fields: {},
  })
}

function wordClosed(reason: 'missing' | 'malformed' | 'unknown' | 'revoked'): string {
  return reason === 'missing'
    ? 'No credential was sent. Send `Authorization: Bearer <admin key>`.'
    : 'The credential is not an admin key.'
}
