import type { Billing } from '../../billing/billing.ts'
import type { Clock } from '../../domain/time.ts'
import type { CounterStore } from '../../limits/plan.ts'
import type { Tenancy } from '../../tenancy/tenancy.ts'
import type { Operator } from '../../tenancy/write.ts'
import { type Asked, routesOf } from '../route.ts'
import { parseStrictly } from './parse.ts'

/** What the operator's routes are served by. */
export interface AdminServices {
  readonly tenancy: Tenancy
  readonly billing: Billing
  /** What limits have counted. */
  readonly counters: Pick<CounterStore, 'read'>
  readonly clock: Clock
}

export interface AdminVisit extends AdminServices {
  readonly operator: Operator
}

/** What a route of the operator's API is handed. */
export type AdminRequest = Asked & AdminVisit

/** Makes a route of the operator's API. What callers send is judged as the configuration file is, in its words. */
export const adminRoute = routesOf<AdminVisit>(parseStrictly)
