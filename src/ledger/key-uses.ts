import type { EpochMs } from '../domain/time.ts'

/** Remembers what was said of keys lately, so that a busy key is written of once a minute and not with every chunk. */
export interface KeyUses {
  /** Which of these uses are worth writing: values of `key_id` and `last_used_at`. */
  due(uses: ReadonlyMap<string, EpochMs>): readonly (readonly [keyId: string, at: EpochMs])[]
  /** They are stored. */
  written(uses: readonly (readonly [keyId: string, at: EpochMs])[]): void
}

const everyMs = 60_000
/** Forgetting costs one more write for each key. */
const remembered = 100_000

export function openKeyUses(): KeyUses {
  const writtenAt = new Map<string, EpochMs>()

  return {
    due: (uses) => [...uses].filter(([keyId, at]) => at >= (writtenAt.get(keyId) ?? 0) + everyMs),
    written(uses) {
      if (writtenAt.size + uses.length > remembered) writtenAt.clear()
      for (const [keyId, at] of uses) writtenAt.set(keyId, at)
    },
  }
}
