import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KeyId, NodeId } from '../../domain/ids.ts'
import type { KeyFact } from '../facts.ts'
import { workspaceId } from '../test-kit.ts'
import { keyBlock, type PackedKeys } from './key-block.ts'
import { keyTable } from './key-table.ts'

const anyKey = fc.record({
  serial: fc.nat(60),
  nodeId: fc.option(fc.constantFrom('g_1' as NodeId, 'g_2' as NodeId)),
  style: fc.constantFrom('federated' as const, 'virtual' as const),
  prefix: fc.stringMatching(/^[!-~]{1,16}$/),
  revoked: fc.boolean(),
})

test('what was loaded and what was written since are found as one, each by its own digest alone', () => {
  const anyKeys = fc.array(anyKey, { maxLength: 40 })
  fc.assert(
    fc.property(fc.array(anyKeys, { maxLength: 3 }), fc.array(anyKeys, { maxLength: 3 }), (packs, writes) => {
      const loaded = packs.map((pack) => pack.map(toFact))
      const plain = new Map<string, KeyFact>()
      const fresh = loaded.map((pack) =>
        pack.filter((key) => !plain.has(hexOf(key)) && plain.set(hexOf(key), key)),
      )
      let table = keyTable(keyBlock(fresh.map(packed)))
      expect(digestsAndFacts(table.values())).toEqual(digestsAndFacts(plain.values()))
      for (const write of writes) {
        const keys = write.map(toFact)
        const before = table
        const known = [...plain]
        table = table.with(keys)
        for (const key of keys) plain.set(hexOf(key), key)
        for (const [hex, key] of known) expect(before.find(Buffer.from(hex, 'hex'))).toEqual(key)
      }
      expect(digestsAndFacts(table.values())).toEqual(digestsAndFacts(plain.values()))
      for (let serial = 0; serial <= 60; serial++) {
        const digest = digestOf(serial)
        expect(table.find(digest)).toEqual(plain.get(digest.toString('hex')) ?? null)
        for (const at of [0, 3, 15, 31]) {
          const other = Buffer.from(digest)
          other[at] = (other[at] ?? 0) ^ 0x80
          expect(table.find(other)).toBeNull()
        }
      }
    }),
  )
})

function toFact({
  serial,
  ...members
}: { serial: number } & Omit<KeyFact, 'id' | 'workspaceId' | 'digest'>): KeyFact {
  return { id: `k_${serial}` as KeyId, workspaceId, ...members, digest: digestOf(serial) }
}

function digestOf(serial: number): Buffer {
  return Buffer.from(hash('sha256', String(serial), 'hex'), 'hex')
}

function hexOf({ digest }: KeyFact): string {
  return digest.toString('hex')
}

function packed(keys: readonly KeyFact[]): PackedKeys {
  return { count: keys.length, lines: keys.map(line).join('\n') }
}

function line({ id, workspaceId, nodeId, style, prefix, revoked, digest }: KeyFact): string {
  return `${digest.toString('hex')}${id} ${workspaceId} ${nodeId ?? ''} ${style} ${revoked ? 1 : 0} ${prefix}`
}

function digestsAndFacts(keys: Iterable<KeyFact>): Map<string, KeyFact> {
  return new Map(
    [...keys].map((key): [string, KeyFact] => [hexOf(key), key]).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
}

test('of two keys with one digest the live one is found, in whatever order they come', () => {
  const key = (workspace: string, revoked: boolean): KeyFact => ({
    id: `k_${workspace}` as KeyId,
    workspaceId: workspace as KeyFact['workspaceId'],
    nodeId: null,
    style: 'federated',
    prefix: 'sky_1',
    digest: digestOf(1),
    revoked,
  })
  const keys = [key('one', true), key('two', false)]
  const other = { ...key('three', false), digest: digestOf(2) }
  for (const order of [keys, keys.toReversed()]) {
    const together = keyBlock([packed([...order, other])])
    const apart = keyBlock(order.map((each) => packed([each])))
    for (const block of [together, apart]) expect(block.find(digestOf(1))?.workspaceId).toBe('two')
    expect(together.find(digestOf(2))?.workspaceId).toBe('three')
  }
})
