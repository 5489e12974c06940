import { STATUS_CODES } from 'node:http'
import type { Failure } from '../domain/failure.ts'
import type { DressedFailure } from '../domain/failure-table.ts'
import type { EpochMs } from '../domain/time.ts'

/** Dresses a failure for the surface that a path belongs to; `/` when the path could not be read. */
export type Dress = (failure: Failure, path: string) => DressedFailure

/** A whole answer as bytes, after which the connection closes: for what the parser refused. */
export function rawAnswer(dressed: DressedFailure, now: EpochMs): Buffer {
  const lines = [`HTTP/1.1 ${dressed.status} ${STATUS_CODES[dressed.status] ?? ''}`]
  for (let at = 0; at + 1 < dressed.headers.length; at += 2)
    lines.push(`${dressed.headers[at]}: ${dressed.headers[at + 1]}`)
  lines.push(
    `date: ${new Date(now).toUTCString()}`,
    'connection: close',
    `content-length: ${dressed.body.length}`,
    '',
    '',
  )
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), dressed.body])
}

/** An error of Node's parser or its head timer, with the bytes it was found in. */
export interface ParserError extends Error {
  readonly code?: string
  readonly rawPacket?: Buffer
}

/** What a parser error means to the client; null when there is nobody to tell. */
export function failureOf(error: ParserError): Failure | null {
  const code = error.code ?? ''
  if (code === 'HPE_HEADER_OVERFLOW') return { failure: 'head_too_large' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { failure: 'body_timeout' }
  if (code === 'HPE_INVALID_EOF_STATE') return null
  return code.startsWith('HPE_')
    ? { failure: 'invalid', message: 'The request is not valid HTTP/1.1.' }
    : null
}

/** The path in the first bytes of a malformed head, so that its refusal has the shape of its surface; else `/`. */
export function pathIn(packet: Buffer | undefined): string {
  const start = packet?.toString('latin1', 0, 512) ?? ''
  return /^[A-Z]+ (\/[^ ?#\r\n]*)/.exec(start)?.[1] ?? '/'
}
