import { randomFillSync } from 'node:crypto'
import { monotonicFactory } from 'ulid'
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

export function ulidSource(): NewUlid {
  return monotonicFactory(pooledRandom())
}

/** Numbers in [0, 1) that are random in their first eight bits, which is more than an id's letter takes. */
function pooledRandom(): () => number {
  const pool = new Uint8Array(4096)
  let next = pool.length
  return () => {
    if (next === pool.length) {
      randomFillSync(pool)
      next = 0
    }
    const byte = pool[next] ?? 0
    next += 1
    return byte / 256
  }
}
