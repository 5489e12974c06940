import type { Failure, FailureKind } from './failure.ts'

/** How one door says every kind of failure. A new kind does not compile until each door can say it. */
export type FailureTable<Said> = {
  readonly [Kind in FailureKind]: (failure: Extract<Failure, { failure: Kind }>) => Said
}

/** What a door's table says of a failure. */
export function say<Said>(table: FailureTable<Said>, failure: Failure): Said {
  const entry = table[failure.failure] as (failure: Failure) => Said
  return entry(failure)
}

/** `Retry-After` counts whole seconds, and a caller who comes at once is refused again. */
export function retryAfterSeconds(waitMs: number): string {
  return String(Math.max(1, Math.ceil(waitMs / 1000)))
}

/** A failure as a caller reads it; `headers` is name, value, name, value, … */
export interface DressedFailure {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** An answer with a JSON body. */
export function dressed(status: number, headers: readonly string[], body: object): DressedFailure {
  return {
    status,
    headers: ['content-type', 'application/json', ...headers],
    body: Buffer.from(JSON.stringify(body)),
  }
}
