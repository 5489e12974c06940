import type { NewUlid, WorkspaceId } from '../domain/ids.ts'
import type { Roster } from '../domain/roster.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import type { Refusals } from '../ledger/refusals.ts'
import type { Spool } from '../ledger/spool.ts'
import type { CounterStore } from '../limits/plan.ts'
import type { LogCall } from '../telemetry/call-log.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { GovernancePlanCache } from '../tenancy/governance/plan-cache.ts'
import type { PlanCache } from '../tenancy/groups/plan-cache.ts'
import type { Snapshot } from '../tenancy/snapshot.ts'
import type { UpstreamTimeouts } from '../upstream/call.ts'
import type { Upstream } from '../upstream/connections.ts'
import type { Call } from './call.ts'
import type { DigestKey } from './identify.ts'

/** What the steps of a call are handed: the rooms below, and the settings they act on. */
export interface Room {
  readonly clock: Clock
  readonly newUlid: NewUlid
  readonly snapshot: () => Snapshot
  readonly plans: PlanCache
  readonly counters: CounterStore
  readonly spool: Spool
  readonly refusals: Refusals
  readonly upstream: Upstream
  readonly digestKey: DigestKey
  readonly metrics: Metrics
  readonly log: Log
  readonly logCall: LogCall
  /** Calls under way, so that a drain can end what is left of them. */
  readonly openCalls: Roster<Call>
  readonly strictKeyScheme: boolean
  readonly timeouts: UpstreamTimeouts
  readonly bodyLimitBytes: number
  readonly defaultOutputCap: number
  readonly governancePlans: GovernancePlanCache
  /** Evenly from 0 up to, but not including, 1. */
  readonly random: () => number
  /** Keys that their providers want left alone, by `key_id`, and until when. */
  readonly coolingKeys: Map<string, EpochMs>
  /** Origins that stand with keys of providers in the configuration file, and may be private for it. */
  readonly fileKeyOrigins: ReadonlySet<string>
  /** Whose the calls of the native door are. */
  readonly governanceWorkspace: WorkspaceId
  /** Whether the native door demands a virtual key where nobody has said so. */
  readonly enforceAuthByDefault: boolean
  /** What becomes of calls that a budget would be charged and that nobody knows the price of. */
  readonly unpricedModels: 'block' | 'allow'
  /** Which generation of names refusals of virtual keys have. */
  readonly errorDialect: 'v1.5' | 'v2'
}
