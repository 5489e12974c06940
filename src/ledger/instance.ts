import { setTimeout as wait } from 'node:timers/promises'
import type { InstanceId } from '../domain/ids.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { beatHeart, enterInstance, leaveInstance, readElderInstances } from './instance.sql.ts'
import { repeat } from './rounds.ts'

/** This instance as the others see it: alive while its heart beats. */
export interface Membership {
  /** Before when an earlier process called all events complete: no new one may be dated earlier. */
  readonly watermarkAt: EpochMs
  /** Stops the heart. `left`: all its events are stored, so that nobody waits for them. */
  close(left: boolean): Promise<void>
}

export type Joined =
  | { readonly joined: Membership }
  /** Others are alive, and counters in memory cannot be shared with them. */
  | { readonly others: readonly InstanceId[] }

export interface JoinOptions {
  readonly database: Database
  readonly id: InstanceId
  readonly clock: Clock
  /** Counters are in this process only, so that no other instance may be alive. */
  readonly alone: boolean
  readonly retireAfterMs: number
  /** Instances that gave no sign of life for so long that their events are not waited for any more. */
  readonly onRetired: (instances: readonly InstanceId[]) => void
  /** A sign of life failed; the next is tried all the same. */
  readonly onError: (error: unknown) => void
  readonly limits?: { readonly heartbeatMs: number; readonly lapseMs: number }
}

/** The longest that an instance which died a moment ago seems alive, and a little more. */
const defaultLimits = { heartbeatMs: 2000, lapseMs: 12_000 }

/**
 * Joins the installation: enters the instance and lets its heart beat, by the database's clock. Where it has to be
 * alone and another is alive, waits until that has lapsed, else withdraws and returns who is there.
 */
export async function joinInstallation(options: JoinOptions): Promise<Joined> {
  const { database, id, onError } = options
  const { heartbeatMs, lapseMs } = options.limits ?? defaultLimits
  const { wasThere, watermarkAt } = await enterInstance(database, id, options.clock())
  const beats = repeat(heartbeatMs, beat, onError)
  const others = options.alone ? await outlast(database, id, lapseMs) : []
  if (others.length === 0) return { joined: { watermarkAt, close } }
  // What an earlier process of this instance has left in its spool still has to be waited for.
  await close(!wasThere)
  return { others }

  async function beat(): Promise<void> {
    const retired = await beatHeart(database, id, options.retireAfterMs)
    if (retired.length > 0) options.onRetired(retired)
  }

  async function close(left: boolean): Promise<void> {
    await beats.close()
    if (left) await leaveInstance(database, id)
  }
}

/** Those who are alive after the time in which a dead one would have lapsed. */
async function outlast(database: Database, id: InstanceId, lapseMs: number): Promise<readonly InstanceId[]> {
  const looks = 12
  for (let look = 0; look < looks; look++) {
    if ((await readElderInstances(database, id)).length === 0) return []
    await wait(lapseMs / looks)
  }
  return readElderInstances(database, id)
}
