import { isUtf8 } from 'node:buffer'
import type { Failure } from '../domain/failure.ts'
import { isNull, isObject } from '../json/read.ts'
import { afterSpace, type Member, notObject, type Slot, scanMembers, type Wanted } from '../json/scan.ts'

/** What any request of a model asks of us, as opposed to of the provider, whatever its dialect. */
export interface ModelRequest {
  readonly model: string
  readonly isStream: boolean
  /** The caller asked for the usage event of a stream. */
  readonly wantsUsage: boolean
  /** The answer is made of output tokens: embeddings are not. */
  readonly hasOutput: boolean
  /** The caller's cap on output tokens of each choice; null without one. */
  readonly outputCap: number | null
  /** Answers asked for at once. */
  readonly choices: number
  /** What the caller wants to find in the usage event. */
  readonly metadata: Member | null
}

const longestMetadataBytes = 1 << 14

/**
 * Scans a whole request body for the wanted members, without parsing it; null if all is well.
 *
 * The body must be one JSON object in UTF-8, without NUL bytes and with nothing after it. A member that we
 * act on must not occur twice, however its key is escaped: the provider would obey one of them, and we might
 * have judged the other. Costs one to two microseconds for 1 to 10 kB of prose.
 */
export function scanBody(body: Buffer, wanted: Wanted): Failure | null {
  if (!isUtf8(body)) return invalid('The body is not valid UTF-8.')
  if (body.includes(0)) return invalid('The body contains a NUL byte.')
  const end = scanMembers(body, 0, body.length, wanted)
  if (end === notObject) return invalid('The body must be a JSON object.')
  if (end < 0 || afterSpace(body, end, body.length) < body.length)
    return invalid('The body is not valid JSON.')
  const twice = wanted.earlier[0]
  return twice === undefined ? null : invalid(`The body has more than one '${twice.name}'.`)
}

/** A slot's member, to keep beyond the next scan; null if the scan found none. */
export function placeOf({ keyStart, valueStart, valueEnd }: Slot): Member | null {
  return keyStart < 0 ? null : { keyStart, valueStart, valueEnd }
}

/** A member that holds something; null where it is absent or `null`. */
export function given(body: Buffer, member: Member | null): Member | null {
  return member === null || isNull(body, member) ? null : member
}

/** What is wrong with a `metadata` that is not `null`; null if nothing is. */
export function metadataFault(body: Buffer, metadata: Member | null): Failure | null {
  if (metadata === null) return null
  if (!isObject(body, metadata)) return invalid("'metadata' must be an object.")
  if (metadata.valueEnd - metadata.valueStart > longestMetadataBytes) {
    return invalid(`'metadata' must not be larger than ${longestMetadataBytes} bytes.`)
  }
  return null
}

/** A request that its caller must change. */
export function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
