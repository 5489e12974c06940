import type { Settings } from '../config/settings.ts'
import { openRoster } from '../domain/roster.ts'
import type { Call } from '../gateway/call.ts'
import type { Room } from '../gateway/room.ts'
import { spoolFiles } from '../ledger/files.ts'
import { openRefusals, type Refusals } from '../ledger/refusals.ts'
import { repeat } from '../ledger/rounds.ts'
import { spoolDirectory } from '../ledger/segment.ts'
import { openSpool, type Spool } from '../ledger/spool.ts'
import { openGovernancePlanCache } from '../tenancy/governance/plan-cache.ts'
import { openPlanCache } from '../tenancy/groups/plan-cache.ts'
import { openUpstream, type Upstream } from '../upstream/connections.ts'
import { systemTimer } from '../upstream/deadlines.ts'
import type { Basics } from './basics.ts'
import { openOwnEgress, originsOf } from './egress-rules.ts'
import type { Stores } from './stores.ts'

const bytesPerMb = 2 ** 20
const plansKept = 200_000
const flushRefusalsEveryMs = 1000

/** Opens what a call goes through: the spool, the way out, and the room of the eight steps. */
export function openRoom(settings: Settings, basics: Basics, stores: Stores, echoUrl: string | null): Room {
  const { counters, tenancy } = stores
  const spool = openOwnSpool(settings, basics, stores)
  return {
    clock: basics.clock,
    newUlid: basics.newUlid,
    metrics: basics.metrics,
    log: basics.log,
    logCall: basics.logCall,
    snapshot: tenancy.snapshot,
    digestKey: tenancy.digestOf,
    plans: openPlanCache(plansKept),
    counters,
    spool,
    refusals: openOwnRefusals(basics, spool),
    upstream: openWayOut(settings, basics, echoUrl),
    openCalls: openRoster<Call>(),
    strictKeyScheme: settings.frontier.strictKeyScheme,
    timeouts: settings.frontier.timeouts,
    bodyLimitBytes: settings.server.max_request_body_mb * bytesPerMb,
    defaultOutputCap: settings.defaultOutputCap,
    governancePlans: openGovernancePlanCache(plansKept),
    random: Math.random,
    coolingKeys: new Map(),
    fileKeyOrigins: new Set(originsOf(settings.governance.addresses).map(({ key }) => key)),
    governanceWorkspace: settings.governance.workspace,
    enforceAuthByDefault: settings.governance.enforceAuthByDefault,
    unpricedModels: settings.governance.unpricedModels,
    errorDialect: settings.governance.errorDialect,
  }
}

function openOwnSpool(settings: Settings, basics: Basics, { instance, background }: Stores): Spool {
  const { clock, newUlid, log, closers } = basics
  const spool = openSpool({
    directory: spoolDirectory(settings.dataDirectory),
    instance,
    thread: 0,
    durability: settings.ledger.durability,
    files: spoolFiles,
    clock,
    notBefore: background.watermarkAt,
    monotonic: () => performance.now(),
    newUlid,
    tell: background.tell,
    onProblem: (problem) =>
      problem === null
        ? log.warn('the spool can be written again')
        : log.error({ problem }, 'the spool cannot be written: new calls are refused'),
  })
  closers.push(async () => {
    const lost = await spool.close()
    if (lost > 0) log.fatal({ records: lost }, 'settlements could not be written and are lost')
  })
  return spool
}

function openOwnRefusals({ clock, newUlid, onError, closers }: Basics, spool: Spool): Refusals {
  const refusals = openRefusals({ spool, clock, newUlid })
  closers.push(refusals.close)
  closers.push(repeat(flushRefusalsEveryMs, async () => refusals.flush(), onError).close)
  return refusals
}

function openWayOut(settings: Settings, { closers }: Basics, echoUrl: string | null): Upstream {
  const upstream = openUpstream({ egress: openOwnEgress(settings, echoUrl), timer: systemTimer })
  closers.push(upstream.close)
  return upstream
}
