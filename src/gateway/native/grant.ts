import type { CallCost } from '../../catalog/cost.ts'
import type { ProviderFact } from '../../tenancy/governance/facts.ts'
import type { GovernancePlanEntry } from '../../tenancy/governance/plan-cache.ts'
import type { Price } from '../../tenancy/governance/prices/prices.ts'
import type { Admitted } from '../call.ts'
import type { Endpoint } from './endpoint.ts'
import type { Journey, Target } from './journey.ts'
import type { Credential } from './keys.ts'

/** A call that was admitted to one of its targets, whatever number of attempts it takes there. */
export interface NativeGrant extends Admitted {
  readonly journey: Journey
  readonly target: Target
  readonly provider: ProviderFact
  readonly entry: GovernancePlanEntry
  /** What it is sent with now, or was last. */
  credential: Credential
  endpoint: Endpoint | null
  price: Price
  /** Null until it is known what was used; `unpriced` if that leaves it unknown. */
  cost: CallCost | 'unpriced' | null
  /** Events of a stream that could not be read. */
  parseErrors: number
}
