import type { InstanceId } from '../domain/ids.ts'
import { quantityOf } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { RollingCharge } from './record.ts'

/**
 * Adds up charges to rolling windows by counter, generation and instant, so that a transaction stores one row for all
 * of them: a row for each call cost as much as its usage event.
 */
export interface RollingSums {
  /** Takes the charges of the record with this id and instant, which is not older than the one before. */
  add(id: string, at: EpochMs, charges: readonly RollingCharge[]): void
  /** Values of `rollingColumns`; no row where nothing was charged. */
  rows(
    instance: InstanceId,
  ): readonly (readonly [id: string, instance: string, at: EpochMs, charges: string])[]
}

interface Sum {
  readonly generation: number
  readonly at: EpochMs
  whole: number
  pico: number
}

export function rollingSums(): RollingSums {
  const counters = new Map<string, Sum[]>()
  let lastId = ''
  let lastAt: EpochMs = 0

  return {
    add(id, at, charges) {
      lastId = id
      lastAt = at
      for (const [counter, generation, chargedAt, whole, pico] of charges) {
        const sums = counters.get(counter) ?? []
        if (sums.length === 0) counters.set(counter, sums)
        const newest = sums.at(-1)
        if (newest?.at === chargedAt && newest.generation === generation) {
          newest.whole += whole
          newest.pico += pico
        } else {
          sums.push({ generation, at: chargedAt, whole, pico })
        }
      }
    },
    rows(instance) {
      if (counters.size === 0) return []
      const charges: RollingCharge[] = []
      for (const [counter, sums] of counters) {
        for (const { generation, at, ...sum } of sums) {
          const { whole, pico } = quantityOf(sum.whole, sum.pico)
          charges.push([counter, generation, at, whole, pico])
        }
      }
      return [[lastId, instance, lastAt, JSON.stringify(charges)]]
    },
  }
}
