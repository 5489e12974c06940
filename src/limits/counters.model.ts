import { toPico } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Amounts, Charge, PlanRow, Rates, Reservation } from './plan.ts'
import { periodOf } from './window.ts'

/** An admitted attempt, as the model sees it. */
export interface Attempt {
  readonly reservation: Reservation
  readonly amounts: Amounts
}

/** Something counted. `placedAt` is the instant that decides about its period. Amounts are in millionths of a whole. */
interface Fact {
  readonly counter: string
  readonly placedAt: EpochMs
  readonly amount: bigint
}

const million = 1_000_000n

/**
 * Limits as the rules say them, deliberately naive: a list of facts, summed again for every question.
 *
 * Its rolling windows are exact. `lateMs` asks what a store may still count, that forgets so much later.
 */
export function openModel() {
  let facts: Fact[] = []
  const open = new Set<Attempt>()

  function used(row: PlanRow, now: EpochMs, lateMs = 0): bigint {
    return sum(
      facts.filter((fact) => fact.counter === row.counter && isCounted(row, fact.placedAt, now, lateMs)),
    )
  }

  function held(row: PlanRow, now: EpochMs): bigint {
    let total = 0n
    for (const { reservation, amounts } of open) {
      const own = reservation.plan.rows.find(({ counter }) => counter === row.counter)
      if (own === undefined || own.metric === 'request') continue
      if (own.chargedAt === 'admission' && !isCounted(own, reservation.admittedAt, now, 0)) continue
      total += holdOf(own, amounts, reservation.outputCap)
    }
    return total
  }

  return {
    open,
    used,
    held,
    /** Whether a row refuses, counting what is forgotten up to `lateMs` late. */
    refuses(row: PlanRow, amounts: Amounts, now: EpochMs, lateMs: number): boolean {
      const ceiling = toPico(row.ceiling)
      const total = used(row, now, lateMs) + held(row, now)
      if (ceiling === 0n) return true
      if (row.metric === 'request' || !row.strict) return total >= ceiling
      if (row.metric === 'cost' && amounts.rates === null) return total >= ceiling
      return total + worstCase(row, amounts, leastOutput(amounts)) > ceiling
    },
    /** The longest answer that fits into a strict row. */
    longestOutput(row: PlanRow, amounts: Amounts, now: EpochMs, lateMs: number): number {
      const room = toPico(row.ceiling) - used(row, now, lateMs) - held(row, now)
      let output = amounts.outputCap ?? amounts.defaultOutputCap
      while (output > 0 && worstCase(row, amounts, output) > room) output -= 1
      return output
    },
    admit(attempt: Attempt): void {
      open.add(attempt)
      const { plan, admittedAt } = attempt.reservation
      for (const { metric, counter } of plan.rows) {
        if (metric === 'request') facts.push({ counter, placedAt: admittedAt, amount: million })
      }
    },
    charge(row: PlanRow, placedAt: EpochMs, amount: bigint): void {
      facts.push({ counter: row.counter, placedAt, amount })
    },
    /** Takes one request unit back. */
    refund(row: PlanRow, placedAt: EpochMs): void {
      const unit = facts.findIndex((fact) => fact.counter === row.counter && fact.placedAt === placedAt)
      facts = facts.filter((_, index) => index !== unit)
    },
  }
}

export type Model = ReturnType<typeof openModel>

/** Whether what was placed at an instant counts at another. */
export function isCounted({ window }: PlanRow, placedAt: EpochMs, now: EpochMs, lateMs: number): boolean {
  if (window.kind === 'rolling') return placedAt > now - window.lengthMs - lateMs
  return periodOf(window, placedAt).startsAt === periodOf(window, now).startsAt
}

/** How late a store may forget: a bucket, to the millisecond. */
export function latenessOf({ window }: PlanRow): number {
  return window.kind === 'rolling' ? window.lengthMs / 60 + 1 : 0
}

export function isImpossible(row: PlanRow, amounts: Amounts): boolean {
  if (!row.strict || row.metric === 'request') return false
  if (toPico(row.ceiling) === 0n) return true
  if (row.metric === 'cost' && amounts.rates === null) return false
  return worstCase(row, amounts, leastOutput(amounts)) > toPico(row.ceiling)
}

export function holdOf(row: PlanRow, amounts: Amounts, granted: number | null): bigint {
  if (row.strict) return worstCase(row, amounts, granted ?? 0)
  const caps = [amounts.outputEstimate, amounts.outputCap, granted].filter((cap) => cap !== null)
  const output = Math.min(...caps) * amounts.choices
  if (row.metric === 'token') return BigInt(amounts.inputEstimate + output) * million
  return roundedUp(amounts.rates, amounts.inputEstimate, output)
}

/** The charge that an amount counted at `placedAt` should make. */
export function chargeOf(row: PlanRow, placedAt: EpochMs, amount: bigint): Charge {
  const { counter, generation, window } = row
  const whole = Number(amount / million)
  const quantity = { whole, pico: Number(amount - BigInt(whole) * million) }
  if (window.kind === 'rolling')
    return { counter, generation, startsAt: placedAt, endsAt: null, amount: quantity }
  return { counter, generation, ...periodOf(window, placedAt), amount: quantity }
}

function leastOutput({ outputCap, defaultOutputCap }: Amounts): number {
  return Math.min(16, outputCap ?? defaultOutputCap)
}

function worstCase(row: PlanRow, amounts: Amounts, output: number): bigint {
  const total = output * amounts.choices
  if (row.metric === 'token') return BigInt(amounts.inputBound + total) * million
  return roundedUp(amounts.rates, amounts.inputBound, total)
}

function roundedUp(rates: Rates | null, input: number, output: number): bigint {
  if (rates === null) throw new Error('a cost row was admitted without rates')
  const price = BigInt(input) * rates.input + BigInt(output) * rates.output
  return price / million + (price % million === 0n ? 0n : 1n)
}

function sum(facts: readonly Fact[]): bigint {
  return facts.reduce((total, { amount }) => total + amount, 0n)
}
