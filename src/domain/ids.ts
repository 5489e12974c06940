import { randomFillSync } from 'node:crypto'
import type { EpochMs } from './time.ts'

declare const brand: unique symbol
type Id<Name extends string> = string & { readonly [brand]: Name }

export type WorkspaceId = Id<'workspace'>
/** A group, customer or team: a place in a workspace's tree. */
export type NodeId = Id<'node'>
/** A credential that applications call models with. */
export type KeyId = Id<'key'>
export type EndpointId = Id<'endpoint'>
/** Names one attempt at an upstream; also the idempotency key of the usage event it may leave. */
export type AttemptId = Id<'attempt'>
/** Names one request of a caller, whatever number of attempts it takes. */
export type RequestId = Id<'request'>
/** One running gateway, kept in its data directory: a restart is the same instance. */
export type InstanceId = Id<'instance'>

/** Makes ids that sort by the moment they were made, also within one millisecond. */
export type NewUlid = (at: EpochMs) => string

const letters = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ')
const timeLetters = 10
const randomLetters = 16

/**
 * Opens a source of ULIDs: 48 bits of time, then 80 that are random at each new millisecond and counted up within it.
 * By hand, because two are made for every call, and the library's way took as long as admitting it. A moment before the
 * last one gets ids of the last one.
 */
export function ulidSource(): NewUlid {
  /** Values of the letters, most significant first. */
  const digits = new Uint8Array(timeLetters + randomLetters)
  const text = Buffer.alloc(digits.length)
  const pool = new Uint8Array(randomLetters * 256)
  let nextRandom = pool.length
  let lastAt: EpochMs = -1

  function begin(at: EpochMs): void {
    lastAt = at
    let rest = at
    for (let index = timeLetters - 1; index >= 0; index--) {
      digits[index] = rest % 32
      rest = Math.floor(rest / 32)
    }
    if (nextRandom === pool.length) {
      randomFillSync(pool)
      nextRandom = 0
    }
    for (let index = timeLetters; index < digits.length; index++)
      digits[index] = (pool[nextRandom++] ?? 0) & 31
    // Room to count up in: 2^79 within one millisecond.
    digits[timeLetters] = (digits[timeLetters] ?? 0) & 15
  }

  function countUp(): void {
    let index = digits.length - 1
    while (digits[index] === 31) digits[index--] = 0
    digits[index] = (digits[index] ?? 0) + 1
  }

  return (at) => {
    if (at > lastAt) begin(at)
    else countUp()
    for (let index = 0; index < digits.length; index++) text[index] = letters[digits[index] ?? 0] ?? 0
    return text.toString('latin1')
  }
}
