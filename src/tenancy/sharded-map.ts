const shardCount = 4096

/**
 * An immutable map in 4,096 shards. A change copies the shards it touches (and 4,096 references), so its cost does
 * not grow with what it leaves alone, and whoever holds the old map keeps seeing it whole.
 */
export interface ShardedMap<Value> {
  readonly size: number
  get(key: string): Value | undefined
  values(): IterableIterator<Value>
  /** A map with these entries set, or removed where the value is null. */
  with(changes: ReadonlyMap<string, Value | null>): ShardedMap<Value>
}

export function emptyShardedMap<Value>(): ShardedMap<Value> {
  return shardedMap<Value>(new Array<ReadonlyMap<string, Value>>(shardCount).fill(new Map()), 0)
}

function shardedMap<Value>(shards: readonly ReadonlyMap<string, Value>[], size: number): ShardedMap<Value> {
  return {
    size,
    get: (key) => shards[shardOf(key)]?.get(key),
    *values() {
      for (const shard of shards) yield* shard.values()
    },
    with(changes) {
      if (changes.size === 0) return this
      const next = [...shards]
      const copied = new Map<number, Map<string, Value>>()
      let nextSize = size
      for (const [key, value] of changes) {
        const index = shardOf(key)
        let shard = copied.get(index)
        if (shard === undefined) {
          shard = new Map(next[index])
          copied.set(index, shard)
          next[index] = shard
        }
        nextSize -= shard.size
        if (value === null) shard.delete(key)
        else shard.set(key, value)
        nextSize += shard.size
      }
      return shardedMap(next, nextSize)
    },
  }
}

/** FNV-1a of the UTF-16 units: spreads ids that share a beginning, as ids made one after the other do. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 12) ^ (hash >>> 24)) & (shardCount - 1)
}
