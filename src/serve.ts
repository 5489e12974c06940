import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { findOperator } from './api/authenticate.ts'
import { dressManagement } from './api/failures.ts'
import { createManagement } from './api/management.ts'
import { type Background, openBackground } from './background-thread.ts'
import type { Demo } from './cli/invitation.ts'
import { exitCodes } from './cli/program.ts'
import { openClock } from './config/clock.ts'
import { findMasterKey, makeMasterKey, masterKeyFile } from './config/master-key.ts'
import type { Settings } from './config/settings.ts'
import { takeDataDirectory } from './data-directory.ts'
import { definitionOf } from './definitions.ts'
import { demoModel, ensureDemo, pointDemo } from './demo.ts'
import { type Failure, isFailure } from './domain/failure.ts'
import { ulidSource } from './domain/ids.ts'
import { openRoster, type Roster } from './domain/roster.ts'
import type { Clock } from './domain/time.ts'
import { egressRules } from './egress-rules.ts'
import { isDataPlane } from './gateway/accept.ts'
import type { Call } from './gateway/call.ts'
import { dressFrontier } from './gateway/frontier-failures.ts'
import { cut, serveCall } from './gateway/pipeline.ts'
import type { Room } from './gateway/room.ts'
import { startEchoUpstream } from './http/echo-upstream.ts'
import { operationsRoutes } from './http/operations.ts'
import { defaultPatience, openServer } from './http/server.ts'
import { spoolFiles } from './ledger/files.ts'
import { keptInstanceId } from './ledger/instance-id.ts'
import { repeat } from './ledger/rounds.ts'
import { spoolDirectory } from './ledger/segment.ts'
import { openSpool, type Spool } from './ledger/spool.ts'
import { type MemoryCounters, openMemoryCounters } from './limits/memory.ts'
import { wrongMasterKey } from './maintain.ts'
import { Refused, wordSystemError } from './refused.ts'
import { parseDatabaseUrl } from './store/open.ts'
import type { Log, Logging } from './telemetry/log.ts'
import { type Metrics, openMetrics } from './telemetry/metrics.ts'
import { openPlanCache } from './tenancy/plan-cache.ts'
import { openTenancy, type Tenancy } from './tenancy/tenancy.ts'
import { openUpstream } from './upstream/connections.ts'
import { systemTimer } from './upstream/deadlines.ts'
import { openEgress } from './upstream/egress.ts'

const bytesPerMb = 2 ** 20
const plansKept = 200_000
const refreshEveryMs = 1000
const sweepCountersEveryMs = 1000
/** After the last stream was cut, settlements still have to reach the spool. */
const lastSettlementsMs = 5000

/** A gateway that listens. */
export interface RunningGateway {
  readonly url: string
  /** Made at this start; null where there were admin keys already. */
  readonly adminKey: string | null
  readonly demo: Demo | null
  /** Stops listening, lets calls finish, stores what is not stored yet. */
  drain(): Promise<void>
}

/** Opens the rooms from the lowest floor up, wires them, listens. What was opened is closed again if that fails. */
export async function openGateway(
  settings: Settings,
  logging: Logging,
  version: string,
): Promise<RunningGateway> {
  const closers: (() => void | Promise<void>)[] = []
  try {
    return await open(settings, logging, version, closers)
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

async function closeAll(closers: (() => void | Promise<void>)[]): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
}

async function open(
  settings: Settings,
  { log, logCall }: Logging,
  version: string,
  closers: (() => void | Promise<void>)[],
): Promise<RunningGateway> {
  const clock = openClock(settings.testClockFile)
  const newUlid = ulidSource()
  const metrics = openMetrics()
  let isDraining = false
  const onError = (error: unknown): void => log.warn({ err: error }, 'a round failed, and the next comes')

  const lock = takeDataDirectory(settings.dataDirectory)
  closers.push(lock.release)
  const location = parseDatabaseUrl(settings.databaseUrl)
  if (isFailure(location)) throw new Refused(`database.url: ${messageOf(location)}`)
  if (location.kind === 'sqlite') mkdirSync(dirname(location.path), { recursive: true, mode: 0o700 })
  const instance = keptInstanceId(settings.dataDirectory, () => newUlid(clock()))
  const keptMasterKey = findMasterKey(settings.masterKey, settings.dataDirectory)

  const counters = openMemoryCounters()
  const background = await openBackground(
    {
      database: location,
      dataDirectory: settings.dataDirectory,
      instance,
      testClockFile: settings.testClockFile,
      retireAfterMs: settings.ledger.retireAfterMs,
      eventsKeptMs: settings.ledger.eventRetentionMs,
    },
    log,
    (charges) => counters.load(charges),
  )
  if ('refused' in background) {
    throw new Refused(background.refused, background.mayPass ? exitCodes.refused : exitCodes.configuration)
  }
  closers.push(() => background.close())
  const sweeping = repeat(sweepCountersEveryMs, async () => counters.sweep(clock()), onError)
  closers.push(sweeping.close)

  const masterKey = keptMasterKey ?? makeMasterKey(settings.dataDirectory)
  const tenancy = await openTenancy({
    database: background.database,
    clock,
    newUlid,
    random: randomBytes,
    masterKey,
    onCountersGone: (names) => counters.forget(names),
  })
  if (isFailure(tenancy)) {
    if (keptMasterKey === null) rmSync(masterKeyFile(settings.dataDirectory))
    throw new Refused(wrongMasterKey(settings))
  }
  if (keptMasterKey === null) {
    log.warn(
      { file: masterKeyFile(settings.dataDirectory) },
      'made a master key: without it, secrets and keys in the database are lost',
    )
  }
  const refreshing = repeat(refreshEveryMs, tenancy.refresh, onError)
  closers.push(refreshing.close)

  const echo = settings.isUnconfigured ? await startEchoUpstream() : null
  if (echo !== null) closers.push(echo.close)
  await applyFile(settings, tenancy, log)
  if (echo !== null) await pointDemo(tenancy, echo.baseUrl)

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
  const egress = openEgress(egressRules(settings, echo?.baseUrl ?? null), lookup)
  if (isFailure(egress)) throw new Refused(`network.allow_private: ${messageOf(egress)}`)
  const upstream = openUpstream({ egress, timer: systemTimer })
  closers.push(upstream.close)

  const openCalls = openRoster<Call>()
  const room: Room = {
    clock,
    newUlid,
    snapshot: tenancy.snapshot,
    plans: openPlanCache(plansKept),
    counters,
    spool,
    upstream,
    digestKey: tenancy.digestOf,
    metrics,
    log,
    logCall,
    openCalls,
    strictKeyScheme: settings.frontier.strictKeyScheme,
    timeouts: settings.frontier.timeouts,
    bodyLimitBytes: settings.server.max_request_body_mb * bytesPerMb,
    defaultOutputCap: settings.defaultOutputCap,
  }
  const reportBug = (error: unknown): string => {
    const id = newUlid(clock())
    log.error({ id, err: error }, 'a request met a bug')
    return id
  }
  const app = new Hono()
  app.route(
    '/',
    operationsRoutes({
      metrics,
      isOperator: (authorization) => findOperator(tenancy, authorization) !== null,
      unreadyReasons: () => [
        ...(isDraining ? ['the gateway is shutting down'] : []),
        ...(spool.isWritable() ? [] : ['the spool cannot be written']),
      ],
    }),
  )
  app.route('/', createManagement({ tenancy, version, reportBug }))
  const manage = getRequestListener(app.fetch, { overrideGlobalObjects: false })
  const server = openServer({
    settings: {
      maxConnections: settings.server.max_connections,
      maxBufferedBytes: settings.server.max_buffered_mb * bytesPerMb,
      bodyIdleMs: settings.server.body_idle_seconds * 1000,
      trustedProxies: settings.server.trusted_proxies,
      ownNames: settings.frontier.workspaces.flatMap(({ domains }) => domains),
      patience: defaultPatience,
    },
    clock,
    elapsedMs: () => performance.now(),
    isDataPlane,
    dataPlane: (exchange) => serveCall(exchange, room),
    management: (request, response) => void manage(request, response),
    dress: (failure, path) => (isDataPlane(path) ? dressFrontier(failure) : dressManagement(failure)),
    bug: reportBug,
  })
  measure(metrics, { counters, spool, background, clock })
  const url = await server.listen(settings.host, settings.port).catch((error) => {
    const place = `${settings.host}, port ${settings.port}`
    throw new Refused(`server.host, server.port: cannot listen on ${place}: ${wordSystemError(error)}`)
  })
  closers.push(async () => void (await server.close(0)))

  return {
    url,
    // Made last: what is shown once must not be made by a start that fails.
    adminKey: await ensureAdminKey(tenancy),
    demo: echo === null ? null : { model: demoModel, key: await ensureDemo(tenancy) },
    async drain() {
      isDraining = true
      server.startDrain()
      await server.close(settings.server.drain_seconds * 1000)
      for (const call of openCalls.members()) cut(call)
      await untilEmpty(openCalls, lastSettlementsMs)
      await closeAll(closers)
    },
  }
}

/** Brings what is stored to what the configuration file says. */
async function applyFile(settings: Settings, tenancy: Tenancy, log: Log): Promise<void> {
  const failure =
    (await tenancy.applyWorkspaces(settings.frontier.workspaces.map(definitionOf))) ??
    (await tenancy.applyAdminKeys(settings.adminKeys))
  if (failure !== null) throw new Refused(messageOf(failure))
  for (const { name, value } of settings.adminKeys) {
    if (tenancy.snapshot().findAdminKey(tenancy.digestOf(value)) !== null) continue
    log.warn({ name }, 'this admin key was revoked and stays so: configure another value')
  }
}

/** Management is never open: where there is no admin key yet, one is made, to be shown once. */
async function ensureAdminKey(tenancy: Tenancy): Promise<string | null> {
  if ((await tenancy.listAdminKeys()).length > 0) return null
  return (await tenancy.createAdminKey('installation', 'first start')).value
}

/** Gauges of what other rooms keep. */
function measure(
  metrics: Metrics,
  {
    counters,
    spool,
    background,
    clock,
  }: { counters: MemoryCounters; spool: Spool; background: Background; clock: Clock },
): void {
  metrics.gauge('tollgate_holds_open', 'Calls admitted and not settled yet.', counters.openReservations)
  metrics.gauge('tollgate_counters', 'Counters in memory.', () => counters.size().counters)
  metrics.gauge(
    'tollgate_spool_lag_bytes',
    'Settlements that could not be written to the spool yet.',
    spool.unwrittenBytes,
  )
  metrics.gauge(
    'tollgate_drain_lag_bytes',
    'Spooled settlements that are not in the database yet.',
    () => background.standing().waitingBytes,
  )
  metrics.gauge('tollgate_drain_lag_seconds', 'Age of the oldest of them.', () => {
    const { oldestAt } = background.standing()
    return oldestAt === null ? 0 : Math.max(0, clock() - oldestAt) / 1000
  })
}

async function untilEmpty(calls: Roster<Call>, limitMs: number): Promise<void> {
  const endsAt = performance.now() + limitMs
  while (calls.size() > 0 && performance.now() < endsAt) await wait(10)
}

function messageOf(failure: Failure): string {
  return 'message' in failure ? failure.message : failure.failure
}
