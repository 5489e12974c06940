import type { Failure } from '../domain/failure.ts'
import { isObject } from '../json/read.ts'
import { type Member, scanMembers, wantMembers } from '../json/scan.ts'
import { type Edit, insertMember, replaceValue } from '../json/splice.ts'
import { invalid, placeOf } from './model-request.ts'

/** What stands in a `stream_options` that is an object. */
export interface StreamOptions {
  readonly insertAt: number
  readonly isEmpty: boolean
  readonly includeUsage: Member | null
}

const options = wantMembers('include_usage')

/** Reads a `stream_options` that is not `null`; null without one. */
export function readStreamOptions(body: Buffer, member: Member | null): StreamOptions | Failure | null {
  if (member === null) return null
  if (!isObject(body, member)) return invalid("'stream_options' must be an object.")
  if (scanMembers(body, member.valueStart, member.valueEnd, options) < 0) {
    return invalid("'stream_options' is not valid JSON.")
  }
  if (options.earlier.length > 0) return invalid("'stream_options' has more than one 'include_usage'.")
  const { insertAt, isEmpty, found } = options
  return { insertAt, isEmpty, includeUsage: placeOf(found.include_usage) }
}

/**
 * Has a stream report its usage. `insertAt` is where the body takes a new member, `member` its `stream_options`, if
 * only `null`, and `read` what was read of it.
 */
export function askForUsage(insertAt: number, member: Member | null, read: StreamOptions | null): Edit {
  if (read !== null) {
    if (read.includeUsage !== null) return replaceValue(read.includeUsage, Buffer.from('true'))
    return insertMember(read.insertAt, read.isEmpty, 'include_usage', 'true')
  }
  const value = '{"include_usage":true}'
  if (member !== null) return replaceValue(member, Buffer.from(value))
  return insertMember(insertAt, false, 'stream_options', value)
}
