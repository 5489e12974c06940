import fc from 'fast-check'
import { decodeTime, isValid } from 'ulid'
import { expect, test } from 'vitest'
import { ulidSource } from './ids.ts'

const moment = fc.integer({ min: 0, max: 2 ** 48 - 1 })

test('each id is a ULID of its moment, and sorts behind all before it', () => {
  fc.assert(
    fc.property(fc.array(moment, { minLength: 1, maxLength: 50 }), (moments) => {
      const newUlid = ulidSource()
      let latest = 0
      let last = ''
      for (const at of moments) {
        latest = Math.max(latest, at)
        const id = newUlid(at)
        expect(isValid(id)).toBe(true)
        expect(decodeTime(id)).toBe(latest)
        expect(id > last).toBe(true)
        last = id
      }
    }),
  )
})

test('ids of one moment carry into the next letter', () => {
  const newUlid = ulidSource()
  const ids = Array.from({ length: 5000 }, () => newUlid(1))
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

test('two sources of one moment differ', () => {
  const ids = Array.from({ length: 1000 }, () => ulidSource()(1))
  expect(new Set(ids).size).toBe(ids.length)
})
