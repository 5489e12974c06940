import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openRoster } from './roster.ts'

test('a roster holds exactly those who came and have not left', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const people = Array.from({ length: 10 }, (_, name) => ({ name, seat: -1 }))
      const roster = openRoster<(typeof people)[number]>()
      const expected = new Set<number>()
      for (const [comes, name] of steps) {
        const person = people[name]!
        if (comes) roster.add(person)
        else roster.remove(person)
        if (comes) expected.add(name)
        else expected.delete(name)
      }
      expect(new Set(roster.members().map(({ name }) => name))).toEqual(expected)
      expect(roster.size()).toBe(expected.size)
    }),
  )
})
