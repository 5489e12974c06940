import type { NativeOperation } from '../../dialects/openai-native/operation.ts'
import type { VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import type { Call } from '../call.ts'
import type { NativeAsk } from './ask.ts'
import type { TriedOnce } from './trail.ts'

/** A call of the native door on its way from target to target. */
export interface Journey {
  readonly call: Call
  readonly world: GovernanceWorld
  readonly virtualKey: VirtualKeyFact | null
  readonly operation: NativeOperation
  readonly ask: NativeAsk
  /** Where it is sent, or would be but for what is in the way. */
  primary: Target | null
  /** The target that it is at. */
  target: Target | null
  /** Every attempt so far, in order. */
  readonly trail: TriedOnce[]
}

/** Somewhere that a call may be sent. */
export interface Target {
  readonly provider: string
  /** What the provider, or an alias of one of its keys, calls the model. */
  readonly model: string
  /** The name that permission is asked for: as the caller sent it, whatever it became. */
  readonly askedModel: string
  /** The key that alone may be used, by its `key_id`. */
  readonly pinnedKeyId: string | null
  /** 0 for the primary target. */
  readonly index: number
}
