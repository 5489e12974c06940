import type { ModelRequest } from '../dialects/model-request.ts'
import type { Failure } from '../domain/failure.ts'
import type { AttemptId, RequestId } from '../domain/ids.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Seated } from '../domain/roster.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Usage } from '../domain/usage.ts'
import type { Reservation } from '../limits/plan.ts'
import type { KeyFact, NodeFact } from '../tenancy/facts.ts'
import type { VirtualKeyFact } from '../tenancy/governance/facts.ts'
import type { PlanEntry } from '../tenancy/groups/plan-cache.ts'
import type { ResolvedTarget } from '../tenancy/groups/resolve-target.ts'
import type { Exchange, HeaderList } from './exchange.ts'
import type { Asked, Operation } from './operations.ts'

/** One request of a model, from its head to the end of its answer. Made once with all members; steps fill them. */
export interface Call extends Seated {
  readonly id: RequestId
  readonly exchange: Exchange
  readonly startedAt: EpochMs
  readonly startedMonotonicMs: number
  /** Of a call at the frontier door. */
  key: KeyFact | null
  /** Of a call at the native door that has one. */
  virtualKey: VirtualKeyFact | null
  door: Door
  /** The model as the caller names it; empty until the body was read. */
  model: string
  status: number
  usage: Usage | null
  firstTokenMs: number | null
  /** The client left, or a drain ended the call. */
  isCut: boolean
  /** What every answer to the call says, whatever it is: set by its door. */
  doorHeaders: HeaderList
  /** Ends the call wherever it is: set by the step that waits, with `whenCut`. */
  onCut: (() => void) | null
}

/**
 * Sets what ends a call at the step that waits now.
 *
 * Never `call.onCut = () => …`: the engine takes a function for long-lived that is written where a property is set, and
 * makes it in its old memory. With it nearly all of its call outlived every collection but the full ones, and a quarter of
 * a call's time went into moving what was dead.
 */
export function whenCut(call: Call, end: () => void): void {
  call.onCut = end
}

/** One of the two APIs whose calls come by the same paths. */
export interface Door {
  /**
   * Tells the caller, in the words of this API, why there is no answer. Nothing has been sent before. A call that is cut
   * is told of the drain: whoever has left does not hear it.
   */
  refuse(call: Call, failure: Failure): void
}

/** The body, and what it says as far as the gateway acts on it. */
export interface Ask {
  readonly operation: Operation
  readonly body: Buffer
  readonly asked: Asked
  readonly request: ModelRequest
  readonly inputEstimate: number
}

/** Where an ask may be sent, and by which plan. */
export interface Target {
  readonly upstream: ResolvedTarget
  readonly node: NodeFact
  readonly entry: PlanEntry
}

/** One admitted attempt to serve a call, as the accounts of either door see it. Charged or given back exactly once. */
export interface Admitted {
  readonly call: Call
  readonly attemptId: AttemptId
  readonly reservation: Reservation
  /** A hold record stands in the spool and must be closed. */
  hasHoldRecord: boolean
  /** How it ended, or will unless something comes in between. */
  outcome: Outcome
  /** Null until the provider has sent a head. */
  upstreamStatus: number | null
  /** From the arrival of the call to the first bytes of the provider's answer. */
  firstByteMs: number | null
  isClosed: boolean
}

/** An admitted attempt at one target, at the frontier door. */
export interface Grant extends Admitted {
  readonly ask: Ask
  readonly target: Target
  /** It may have reached the provider. */
  wasSent: boolean
}
