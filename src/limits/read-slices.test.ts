import { expect, test } from 'vitest'
import { actual, amounts, count, midnight, planOf, row } from './counters.conformance.ts'
import { openMemoryCounters } from './memory.ts'
import { isRefusal, type PlanRow } from './plan.ts'
import { readSlices } from './read-slices.ts'

test('many rows are read a slice at a time, and calls go on between two', async () => {
  const counters = openMemoryCounters()
  const rows = Array.from({ length: 600 }, () => row())
  let now = midnight
  const charge = (...charged: PlanRow[]) => {
    const admitted = counters.reserve(planOf(...charged), amounts(), now)
    if (isRefusal(admitted)) throw new Error('refused')
    counters.settle(admitted, actual({ tokens: 7 }), now)
  }
  charge(...rows)

  const slices = []
  const giveWay = async () => {
    now += 10
    charge(...rows)
  }
  for await (const slice of readSlices(counters, rows, () => now, giveWay)) slices.push(slice)
  expect(slices.map(({ at }) => at - midnight)).toEqual([0, 10, 20])
  expect(slices.flatMap(({ readings }) => readings.map((reading) => reading.row))).toEqual(rows)
  for (const [index, { readings }] of slices.entries()) {
    expect(readings.length).toBeLessThanOrEqual(256)
    expect(new Set(readings.map(({ used }) => used?.whole))).toEqual(new Set([7 * (index + 1)]))
  }
})

test('no rows are no slice, and nobody is given way to', async () => {
  const slices = []
  const giveWay = () => Promise.reject(new Error('for nothing'))
  const read = (rows: readonly PlanRow[]) => readSlices(openMemoryCounters(), rows, () => midnight, giveWay)
  for await (const slice of read([])) slices.push(slice)
  expect(slices).toEqual([])
  for await (const { readings } of read([row()])) slices.push(readings[0]?.held)
  expect(slices).toEqual([count(0)])
})
