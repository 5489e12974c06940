import type { Clock } from '../../domain/time.ts'
import type { CounterStore } from '../../limits/plan.ts'
import type { Tenancy } from '../../tenancy/tenancy.ts'
import type { Entry } from '../entrance.ts'
import { parseObject } from '../read-json.ts'
import { type Asked, parse, routesOf } from '../route.ts'

/** What the governance routes are served by. */
export interface GovernanceServices {
  readonly tenancy: Tenancy
  /** What limits have counted. */
  readonly counters: Pick<CounterStore, 'read'>
  readonly clock: Clock
}

export interface GovernanceVisit extends GovernanceServices, Entry {}

/** What a route of the governance API is handed. */
export type GovernanceRequest = Asked & GovernanceVisit

/** Makes a route of the governance API. Members that it does not know are ignored. */
export const governanceRoute = routesOf<GovernanceVisit>(parse, parseObject)
