import { StoreUnavailable } from './errors.ts'

/** Lets one holder at a time through, in the order in which they asked. */
export interface Turns {
  /** Resolves when it is the caller's turn; throws `StoreUnavailable` after waiting too long. */
  take(): Promise<void>
  /** Ends the turn. Called once for each turn taken. */
  give(): void
}

interface Waiter {
  readonly go: () => void
  readonly limit: NodeJS.Timeout
}

export function turnQueue(waitLimitMs: number): Turns {
  const waiting: Waiter[] = []
  let isTaken = false

  return {
    async take() {
      if (isTaken) return queue()
      isTaken = true
    },

    give() {
      const next = waiting.shift()
      if (next === undefined) {
        isTaken = false
        return
      }
      clearTimeout(next.limit)
      next.go()
    },
  }

  function queue(): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        waiting.splice(waiting.indexOf(waiter), 1)
        reject(new StoreUnavailable(`waited ${waitLimitMs} ms for another transaction to end`))
      }, waitLimitMs)
      const waiter: Waiter = { go: resolve, limit }
      waiting.push(waiter)
    })
  }
}
