import { timingSafeEqual } from 'node:crypto'
import type { Failure } from '../domain/failure.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import type { AuthConfig } from '../tenancy/governance/facts.ts'
import { isPassword } from '../tenancy/governance/logins/password.ts'
import { openFailedLogins } from './failed-logins.ts'

export interface UserAndPassword {
  readonly username: string
  readonly password: string
}

/** Tells whether somebody is the administrator by name and password. */
export interface PasswordCheck {
  /** Null where they are; `address` is where they come from. */
  judge(given: UserAndPassword, auth: AuthConfig, address: string): Promise<Failure | null>
}

const rememberedMs = 60_000
/** One is derived at a time, so that guessing takes neither all threads nor much memory. */
const mostWaiting = 16

const wrong: Failure = { failure: 'unauthenticated', reason: 'unknown' }
const crowded: Failure = { failure: 'overloaded', reason: 'buffers', retryAfterMs: 1000 }

/** Opens the check. A pair that was right is remembered for a minute, by its digest, as long as the password holds. */
export function openPasswordCheck(clock: Clock, digestOf: (text: string) => Buffer): PasswordCheck {
  const failed = openFailedLogins()
  const inTurn = openTurns(mostWaiting)
  let remembered: { readonly digest: Buffer; readonly hash: string; readonly until: EpochMs } | null = null

  async function derive(given: UserAndPassword, auth: AuthConfig, address: string): Promise<Failure | null> {
    const refused = failed.judge(given.username, address, clock())
    if (refused !== null) return refused
    // Derived for an unknown name as well: how long it takes must not tell which names there are.
    const matches = await isPassword(auth.adminPasswordHash, given.password)
    const isTheirs = isSame(digestOf(given.username), digestOf(auth.adminUsername))
    if (matches && isTheirs) return null
    failed.note(given.username, address, clock())
    return wrong
  }

  return {
    async judge(given, auth, address) {
      if (auth.adminUsername === '' || auth.adminPasswordHash === '') return wrong
      const digest = digestOf(JSON.stringify([given.username, given.password]))
      const hash = JSON.stringify([auth.adminUsername, auth.adminPasswordHash])
      const isKnown = remembered?.hash === hash && clock() < remembered.until
      if (isKnown && isSame(remembered?.digest ?? digest, digest)) return null
      const failure = await inTurn(() => derive(given, auth, address))
      if (failure === null) remembered = { digest, hash, until: clock() + rememberedMs }
      return failure
    },
  }
}

/** Runs what it is given one after the other; beyond so many that wait, none more. */
function openTurns(most: number) {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async (work: () => Promise<Failure | null>): Promise<Failure | null> => {
    if (waiting >= most) return crowded
    waiting += 1
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn.finally(() => {
      waiting -= 1
    })
  }
}

function isSame(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}
