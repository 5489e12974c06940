import type { Failure } from '../domain/failure.ts'
import type { EpochMs } from '../domain/time.ts'

/** Remembers who failed to log in, so that passwords cannot be tried out. */
export interface FailedLogins {
  /** Why nobody may try now under this user name from this address; null where they may. */
  judge(username: string, address: string, now: EpochMs): Failure | null
  note(username: string, address: string, now: EpochMs): void
}

const mostInWindow = 5
const windowMs = 60_000
/** Pairs of name and address; the one that failed longest ago is forgotten first. */
const mostRemembered = 10_000

export function openFailedLogins(): FailedLogins {
  /** Whoever has not failed for longest stands first. */
  const failures = new Map<string, readonly EpochMs[]>()
  const nameOf = (username: string, address: string) => JSON.stringify([username.slice(0, 256), address])
  const recent = (name: string, now: EpochMs) =>
    (failures.get(name) ?? []).filter((failedAt) => now - failedAt < windowMs)

  return {
    judge(username, address, now) {
      const within = recent(nameOf(username, address), now)
      const oldest = within.at(-mostInWindow)
      return oldest === undefined ? null : refusal(oldest + windowMs, now)
    },
    note(username, address, now) {
      const name = nameOf(username, address)
      const within = [...recent(name, now), now].slice(-mostInWindow)
      failures.delete(name)
      failures.set(name, within)
      const [first] = failures.keys()
      if (failures.size > mostRemembered && first !== undefined) failures.delete(first)
    },
  }
}

function refusal(opensAt: EpochMs, now: EpochMs): Failure {
  return {
    failure: 'limited',
    limit: {
      metric: 'request',
      unit: 'minute',
      ceiling: mostInWindow,
      remaining: 0,
      windowMs,
      opensAt,
      retryAfterMs: opensAt - now,
      model: '',
    },
  }
}
