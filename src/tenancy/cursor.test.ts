import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCursor, writeCursor } from './cursor.ts'
import { deriveKeyring } from './sealing/keyring.ts'

const keyring = deriveKeyring('one')

test('a cursor is read by the list that wrote it and by no other, and cannot be made up', () => {
  fc.assert(
    fc.property(fc.nat(), fc.string(), fc.string(), fc.nat(), (createdAt, id, filter, position) => {
      const cursor = writeCursor(keyring, ['groups', 'w', filter], { createdAt, id })
      expect(readCursor(keyring, ['groups', 'w', filter], cursor)).toEqual({ createdAt, id })
      for (const scope of [
        ['groups', 'w', null],
        ['groups', 'x', filter],
        ['keys', 'w', filter],
      ]) {
        expect(readCursor(keyring, scope, cursor)).toBeNull()
      }
      const bytes = Buffer.from(cursor, 'base64url')
      const at = position % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ 1
      expect(readCursor(keyring, ['groups', 'w', filter], bytes.toString('base64url'))).toBeNull()
      expect(readCursor(keyring, ['groups', 'w', filter], id)).toBeNull()
    }),
    { numRuns: 50 },
  )
})
