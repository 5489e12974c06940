import { quantityOf } from '../domain/quantity.ts'
import type { RollupTable } from '../store/schema.ts'
import type { PeriodCharge } from './record.ts'

/** Adds up charges by counter, generation and period, so that a transaction touches each rollup once. */
export interface RollupSums {
  add(charge: PeriodCharge): void
  rows(): RollupTable[]
}

export function rollupSums(): RollupSums {
  const counters = new Map<string, RollupTable[]>()

  return {
    add([counter, generation, startsAt, endsAt, whole, pico]) {
      const periods = counters.get(counter) ?? []
      if (periods.length === 0) counters.set(counter, periods)
      let sum = periods.find((period) => period.starts_at === startsAt && period.generation === generation)
      if (sum === undefined) {
        sum = { counter, generation, starts_at: startsAt, ends_at: endsAt, used_whole: 0, used_pico: 0 }
        periods.push(sum)
      }
      sum.used_whole += whole
      sum.used_pico += pico
    },
    rows: () =>
      [...counters.values()].flat().map((sum) => {
        const { whole, pico } = quantityOf(sum.used_whole, sum.used_pico)
        return { ...sum, used_whole: whole, used_pico: pico }
      }),
  }
}
