import { timingSafeEqual } from 'node:crypto'
import type { KeyFact } from '../facts.ts'
import { emptyShardedMap, type ShardedMap } from '../sharded-map.ts'
import type { KeyBlock } from './key-block.ts'

/** All keys, by digest. Immutable: what was loaded at the start is a block, and what was written since lies over it. */
export interface KeyTable {
  find(digest: Buffer): KeyFact | null
  /** The table with these keys as they are now. Costs what has changed. */
  with(keys: readonly KeyFact[]): KeyTable
  values(): IterableIterator<KeyFact>
}

export function keyTable(block: KeyBlock | null, written: ShardedMap<KeyFact> = emptyShardedMap()): KeyTable {
  return {
    find(digest) {
      const fact = written.size > 0 ? written.get(digestKey(digest)) : undefined
      return fact !== undefined && timingSafeEqual(fact.digest, digest) ? fact : (block?.find(digest) ?? null)
    },
    with(keys) {
      if (keys.length === 0) return this
      // In the order of their writes: a key that was revoked in one workspace may live in another since.
      return keyTable(block, written.with(new Map(keys.map((key) => [digestKey(key.digest), key]))))
    },
    *values() {
      for (const fact of block?.values() ?? []) if (!written.get(digestKey(fact.digest))) yield fact
      yield* written.values()
    },
  }
}

/** The first 16 bytes: enough to be unique, while the comparison that decides is over all 32. */
export function digestKey(digest: Buffer): string {
  return digest.toString('latin1', 0, 16)
}
