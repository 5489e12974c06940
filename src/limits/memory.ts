import { isZero, quantityOf, zero } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import { beginGeneration, type Counter, isIdle, newCounter, recount, turn, usedIn } from './counter.ts'
import { openingOf } from './opening.ts'
import {
  type Actual,
  type Amounts,
  type Charge,
  type CounterStore,
  isRefusal,
  type Opening,
  type Plan,
  type PlanRow,
  type Reading,
  type Refusal,
  type Reservation,
  type Window,
} from './plan.ts'
import { type OpenReservation, reserve, type Slot } from './reserve.ts'
import { settle, unused } from './settle.ts'
import { periodOf } from './window.ts'

/** Counters in this thread's memory. Every answer is a value, never a promise. */
export interface MemoryCounters extends CounterStore {
  reserve(plan: Plan, amounts: Amounts, now: EpochMs): Reservation | Refusal
  settle(reservation: Reservation, actual: Actual, now: EpochMs): readonly Charge[]
  release(reservation: Reservation, now: EpochMs): readonly Charge[]
  read(rows: readonly PlanRow[], now: EpochMs): readonly Reading[]
  rebase(before: PlanRow, after: PlanRow, keepsUsage: boolean, at: EpochMs): void
  adjust(adjustment: Charge): void
  /**
   * Counts what was charged before a restart: sums of open periods, and settlements of the last minutes one by one.
   * Charges of one period add up, a newer period replaces an older one. Waits until a plan names the counter.
   */
  load(charges: Iterable<Charge>): void
  /** Drops the counters of deleted owners. What is still charged to them is ignored and brings none of them back. */
  forget(counterNames: Iterable<string>): void
  /** Drops some counters that hold and remember nothing. Looks at a few hundred a call: call it each second or so. */
  sweep(now: EpochMs): void
  /** Reservations neither settled nor released yet. */
  openReservations(): number
  /** Counters held, and counters loaded that no plan has named yet. */
  size(): { readonly counters: number; readonly waiting: number }
}

/** How many entries one `sweep` looks at. */
const sweptAtOnce = 256

/** Settlements are kept this long, so that no rolling window is longer, and an older charge can be dropped. */
const longestRollingMs = 300_000

const never: Opening = { at: null, onlyHeld: false }

/**
 * Counters in this thread's memory.
 *
 * A plan's counters are looked up by name once, on its first use; a reservation then costs one look at a weak map.
 */
export function openMemoryCounters(): MemoryCounters {
  const counters = new Map<string, Counter>()
  const waiting = new Map<string, Charge[]>()
  const slotsByPlan = new WeakMap<Plan, readonly Slot[]>()
  let openReservations = 0
  let rebases = 0

  function counterOf(row: PlanRow, now: EpochMs): Counter {
    const known = counters.get(row.counter)
    // A plan from before a new generation began is judged by the new one.
    if (known !== undefined && known.generation >= row.generation) return known
    const counter = newCounter(row, now)
    counter.rebase = rebases
    for (const charge of waiting.get(row.counter) ?? []) recount(counter, charge)
    waiting.delete(row.counter)
    counters.set(row.counter, counter)
    return counter
  }

  function slotsOf(plan: Plan, now: EpochMs): readonly Slot[] {
    const known = slotsByPlan.get(plan)
    if (known !== undefined) return revived(known, now)
    const slots = plan.rows.map((row) => ({ row, counter: counterOf(row, now) }))
    if (new Set(plan.rows.map(({ counter }) => counter)).size < slots.length) {
      throw new Error('a plan names a counter twice')
    }
    slotsByPlan.set(plan, slots)
    return slots
  }

  function revived(slots: readonly Slot[], now: EpochMs): readonly Slot[] {
    for (const slot of slots) {
      if (slot.counter.state === 'idle') slot.counter = counterOf(slot.row, now)
    }
    return slots
  }

  function end(reservation: Reservation, actual: Actual, now: EpochMs): readonly Charge[] {
    // Nothing but this store's `reserve` makes what is handed back here.
    const open = reservation as OpenReservation
    if (!open.isOpen) throw new Error('a reservation was settled or released twice')
    open.isOpen = false
    openReservations -= 1
    revived(open.slots, now)
    return settle(open, actual, now)
  }

  function readingOf(row: PlanRow, now: EpochMs): Reading {
    if (!counters.has(row.counter) && !waiting.has(row.counter)) {
      const opening = isZero(row.ceiling) ? never : null
      return { row, used: null, held: zero, endsAt: endOf(row.window, now), opening }
    }
    const counter = counterOf(row, now)
    turn(counter, now)
    return {
      row,
      used: isIdle(counter) ? null : usedIn(counter),
      held: quantityOf(counter.heldWhole, counter.heldPico),
      endsAt: hasEnd(counter.window) ? counter.turnsAt : null,
      opening: openingOf(counter, row, now),
    }
  }

  function count(charge: Charge): void {
    const counter = counters.get(charge.counter)
    const others = waiting.get(charge.counter)
    if (counter !== undefined) recount(counter, charge)
    else if (others !== undefined) others.push(charge)
    else waiting.set(charge.counter, [charge])
  }

  const sweepCounters = sweeper(counters, (counter, now) => {
    turn(counter, now)
    // A plan from before a generation would make its counter anew as it was.
    if (!isIdle(counter) || counter.generation > 0) return false
    counter.state = 'idle'
    return true
  })
  const sweepWaiting = sweeper(waiting, (charges, now) => charges.every((charge) => isOver(charge, now)))

  return {
    reserve(plan, amounts, now) {
      const answer = reserve(plan, slotsOf(plan, now), amounts, now, rebases)
      if (!isRefusal(answer)) openReservations += 1
      return answer
    },
    settle: end,
    release: (reservation, now) => end(reservation, unused, now),
    read: (rows, now) => rows.map((row) => readingOf(row, now)),

    rebase(before, after, keepsUsage, at) {
      const reached = counters.get(after.counter)?.generation ?? newestOf(waiting.get(after.counter))
      if (reached >= after.generation) return
      const counter = counterOf(before, at)
      beginGeneration(counter, after, keepsUsage, at)
      rebases += 1
      counter.rebase = rebases
    },

    adjust: count,

    load(charges) {
      for (const charge of charges) count(charge)
    },

    forget(counterNames) {
      for (const name of counterNames) {
        const counter = counters.get(name)
        if (counter !== undefined) counter.state = 'forgotten'
        counters.delete(name)
        waiting.delete(name)
      }
    },

    sweep(now) {
      sweepCounters(now)
      sweepWaiting(now)
    },

    openReservations: () => openReservations,
    size: () => ({ counters: counters.size, waiting: waiting.size }),
  }
}

function newestOf(charges: readonly Charge[] = []): number {
  return charges.reduce((newest, { generation }) => Math.max(newest, generation), -1)
}

function hasEnd(window: Window): window is Exclude<Window, { kind: 'rolling' | 'endless' }> {
  return window.kind !== 'rolling' && window.kind !== 'endless'
}

function endOf(window: Window, now: EpochMs): EpochMs | null {
  return hasEnd(window) ? periodOf(window, now).endsAt : null
}

function isOver(charge: Charge, now: EpochMs): boolean {
  return (charge.endsAt ?? charge.startsAt + longestRollingMs) <= now
}

/** Goes round a map, some entries a call, and deletes those that `isDone`. */
function sweeper<Value>(
  entries: Map<string, Value>,
  isDone: (value: Value, now: EpochMs) => boolean,
): (now: EpochMs) => void {
  let round = entries.entries()
  return (now) => {
    for (let seen = 0; seen < sweptAtOnce; seen += 1) {
      const next = round.next()
      if (next.done === true) {
        round = entries.entries()
        return
      }
      const [name, value] = next.value
      if (isDone(value, now)) entries.delete(name)
    }
  }
}
