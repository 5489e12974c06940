import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyShardedMap } from './sharded-map.ts'

const changes = fc.dictionary(fc.string({ maxLength: 3 }), fc.option(fc.nat(9)))

test('behaves as a map, and leaves the one before as it was', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 20 }), (steps) => {
      let sharded = emptyShardedMap<number>()
      const plain = new Map<string, number>()
      for (const step of steps) {
        const before = sharded
        const entriesBefore = [...plain]
        sharded = sharded.with(new Map(Object.entries(step)))
        for (const [key, value] of Object.entries(step)) {
          if (value === null) plain.delete(key)
          else plain.set(key, value)
        }
        for (const [key, value] of entriesBefore) expect(before.get(key)).toBe(value)
        expect(before.size).toBe(entriesBefore.length)
      }
      for (const [key, value] of plain) expect(sharded.get(key)).toBe(value)
      expect(sharded.size).toBe(plain.size)
      expect([...sharded.values()].sort()).toEqual([...plain.values()].sort())
    }),
  )
})

test('spreads ids made one after the other over its shards', () => {
  const ids = Array.from({ length: 4096 }, (_, n) => `g_01KAZ${String(n).padStart(21, '0')}`)
  const map = emptyShardedMap<string>().with(new Map(ids.map((id) => [id, id])))
  const inOrderOfShards = [...map.values()]
  expect(inOrderOfShards).not.toEqual(ids)
  expect(new Set(inOrderOfShards).size).toBe(ids.length)
})
