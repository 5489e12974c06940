import { quantityOf } from '../domain/quantity.ts'
import type { RollupTable } from '../store/schema.ts'
import type { ChargeTarget } from './charges.ts'

/** Adds up charges by counter, generation and period, so that a transaction touches each rollup once. */
export interface RollupSums {
  /** The target is a period. */
  add(target: ChargeTarget, whole: number, pico: number): void
  rows(): RollupTable[]
}

export function rollupSums(): RollupSums {
  const sums = new Map<ChargeTarget, { whole: number; pico: number }>()

  return {
    add(target, whole, pico) {
      const sum = sums.get(target)
      if (sum === undefined) sums.set(target, { whole, pico })
      else {
        sum.whole += whole
        sum.pico += pico
      }
    },
    rows() {
      const rows = new Map<string, RollupTable>()
      for (const [target, { whole, pico }] of sums) addTo(rows, target, whole, pico)
      return [...rows.values()].map((row) => {
        const { whole, pico } = quantityOf(row.used_whole, row.used_pico)
        return { ...row, used_whole: whole, used_pico: pico }
      })
    },
  }
}

/** Two targets may be the same period, read from different texts. */
function addTo(rows: Map<string, RollupTable>, target: ChargeTarget, whole: number, pico: number): void {
  const { counter, generation, startsAt, endsAt } = target
  if (startsAt === null || endsAt === null) throw new TypeError(`${counter} has no periods`)
  const key = `${startsAt} ${generation} ${counter}`
  const row = rows.get(key)
  if (row === undefined) {
    rows.set(key, {
      counter,
      generation,
      starts_at: startsAt,
      ends_at: endsAt,
      used_whole: whole,
      used_pico: pico,
    })
  } else {
    row.used_whole += whole
    row.used_pico += pico
  }
}
