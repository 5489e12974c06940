import type { NewUlid } from '../domain/ids.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import type { RefusalCount, RefusedCall } from './fact-record.ts'
import type { Spool } from './spool.ts'

/**
 * Keeps what limits refused, for those who ask why: the first ten of a key, a model, a limit and a minute whole, of the
 * others how many they were. Nobody waits for it: what a crash finds unwritten is lost, at most the records of one turn
 * and the counts of the last minute.
 */
export interface Refusals {
  /** A refused caller is answered without waiting. About 1 µs; some more for one that is kept. */
  note(refused: RefusedCall): void
  /** Writes the counts of minutes that are over: to be called each second or so. */
  flush(): void
  /** Writes all counts. Before the spool closes. */
  close(): void
}

export interface RefusalsOptions {
  readonly spool: Pick<Spool, 'append'>
  readonly clock: Clock
  readonly newUlid: NewUlid
  readonly limits?: RefusalLimits
}

export interface RefusalLimits {
  /** Of one key, model, limit and minute. */
  readonly kept: number
  /** Of all together in a minute: a flood from many keys must not fill the disk. */
  readonly keptOfAll: number
  /** How many keys, models and limits are told apart at once: of more, the oldest is written before its minute is over. */
  readonly remembered: number
}

const defaultLimits: RefusalLimits = { kept: 10, keptOfAll: 10_000, remembered: 4096 }

const minuteMs = 60_000
/** Written together, so that no record is large. */
const countsAtOnce = 256

interface Tally {
  readonly startsAt: EpochMs
  readonly first: RefusedCall
  kept: number
  /** Beyond those kept. */
  counted: number
}

export function openRefusals({ spool, clock, newUlid, limits = defaultLimits }: RefusalsOptions): Refusals {
  /** In the order of their minutes. */
  const tallies = new Map<string, Tally>()
  let minute = 0
  let keptOfAll = 0

  function note(refused: RefusedCall): void {
    const now = clock()
    turn(now)
    const tally = tallyOf(refused)
    if (tally.kept >= limits.kept || keptOfAll >= limits.keptOfAll) {
      tally.counted += 1
      return
    }
    tally.kept += 1
    keptOfAll += 1
    spool.append({ record: 'refusal', id: newUlid(now), at: now, refusal: refused }, nobodyWaits)
  }

  function turn(now: EpochMs): void {
    const present = now - (now % minuteMs)
    if (present <= minute) return
    minute = present
    keptOfAll = 0
  }

  function tallyOf(refused: RefusedCall): Tally {
    const name = `${refused.keyId} ${refused.model} ${refused.judged[0]?.row.counter}`
    const known = tallies.get(name)
    if (known !== undefined) {
      if (known.startsAt === minute) return known
      tallies.delete(name)
      write([known])
    } else if (tallies.size >= limits.remembered) dropOldest()
    const made: Tally = { startsAt: minute, first: refused, kept: 0, counted: 0 }
    tallies.set(name, made)
    return made
  }

  function dropOldest(): void {
    for (const [name, tally] of tallies) {
      tallies.delete(name)
      write([tally])
      return
    }
  }

  function write(ended: readonly Tally[]): void {
    const counts = ended.filter(({ counted }) => counted > 0).map(countOf)
    for (let from = 0; from < counts.length; from += countsAtOnce) {
      const record = 'refusal_counts'
      spool.append({ record, at: clock(), counts: counts.slice(from, from + countsAtOnce) }, nobodyWaits)
    }
  }

  function flush(): void {
    turn(clock())
    writeBefore(minute)
  }

  function writeBefore(instant: EpochMs): void {
    const ended: Tally[] = []
    for (const [name, tally] of tallies) {
      if (tally.startsAt >= instant) break
      tallies.delete(name)
      ended.push(tally)
    }
    write(ended)
  }

  return { note, flush, close: () => writeBefore(Number.POSITIVE_INFINITY) }
}

function countOf({ startsAt, first, counted }: Tally): RefusalCount {
  const { workspaceId, keyId, nodeId, model, provider, judged } = first
  const counter = judged[0]?.row.counter ?? ''
  return { startsAt, workspaceId, keyId, nodeId, model, provider, counter, calls: counted }
}

function nobodyWaits(): void {}
