import type { Billing } from '../billing/billing.ts'
import { isFailure } from '../domain/failure.ts'
import type { Clock } from '../domain/time.ts'
import type { CounterStore } from '../limits/plan.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import { authenticate } from './authenticate.ts'
import { dressManagement } from './failures.ts'
import type { RateLimit } from './rate-limit.ts'
import type { WorkspaceVisit } from './route.ts'
import type { Door } from './serve.ts'

/** What routes of the workspaces stand on. */
export interface WorkspaceServices {
  readonly tenancy: Tenancy
  readonly billing: Billing
  readonly counters: Pick<CounterStore, 'read'>
  readonly clock: Clock
  readonly rateLimit: RateLimit
}

/** The door of the workspaces' own API: workspace keys, and admin keys that act in a workspace. */
export function workspaceDoor({
  tenancy,
  billing,
  counters,
  clock,
  rateLimit,
}: WorkspaceServices): Door<WorkspaceVisit> {
  return {
    admit({ header }) {
      const caller = authenticate(tenancy, header('authorization'), header('x-tollgate-workspace'))
      return isFailure(caller) ? caller : { caller, tenancy, billing, counters, now: clock() }
    },
    limit: ({ caller, now }, operationId) => rateLimit.count(caller.actor, operationId, now),
    dress: dressManagement,
  }
}
