import type { InstanceId } from '../domain/ids.ts'
import { quantityOf } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { ChargeTarget } from './charges.ts'

/** A charge to a rolling window as it is stored. */
export type RollingCharge = readonly [
  counter: string,
  generation: number,
  at: EpochMs,
  whole: number,
  pico: number,
]

/**
 * Adds up charges to rolling windows by target and instant, so that a transaction stores one row for all of them: a row
 * for each call cost as much as its usage event.
 */
export interface RollingSums {
  /** Takes a charge of the record with this id and instant, which is not older than the one before. */
  add(
    record: { readonly id: string; readonly at: EpochMs },
    target: ChargeTarget,
    at: EpochMs,
    whole: number,
    pico: number,
  ): void
  /** Values of `rollingColumns`; no row where nothing was charged. */
  rows(
    instance: InstanceId,
  ): readonly (readonly [id: string, instance: string, at: EpochMs, charges: string])[]
}

interface Sum {
  readonly at: EpochMs
  whole: number
  pico: number
}

export function rollingSums(): RollingSums {
  const targets = new Map<ChargeTarget, Sum[]>()
  let last = { id: '', at: 0 as EpochMs }

  return {
    add(record, target, at, whole, pico) {
      last = record
      const sums = targets.get(target)
      const newest = sums?.at(-1)
      if (newest?.at === at) {
        newest.whole += whole
        newest.pico += pico
      } else if (sums === undefined) targets.set(target, [{ at, whole, pico }])
      else sums.push({ at, whole, pico })
    },
    rows(instance) {
      if (targets.size === 0) return []
      const charges: RollingCharge[] = []
      for (const [{ counter, generation }, sums] of targets) {
        for (const { at, ...sum } of sums) {
          const { whole, pico } = quantityOf(sum.whole, sum.pico)
          charges.push([counter, generation, at, whole, pico])
        }
      }
      return [[last.id, instance, last.at, JSON.stringify(charges)]]
    },
  }
}
