import { setTimeout as wait } from 'node:timers/promises'
import { type Billing, openBilling } from '../billing/billing.ts'
import type { Demo } from '../cli/invitation.ts'
import { openClock } from '../config/clock.ts'
import type { Settings } from '../config/settings.ts'
import { isFailure } from '../domain/failure.ts'
import { ulidSource } from '../domain/ids.ts'
import type { Roster } from '../domain/roster.ts'
import type { Call } from '../gateway/call.ts'
import { cut } from '../gateway/pipeline.ts'
import { startEchoUpstream } from '../http/echo-upstream.ts'
import type { HttpServer } from '../http/server.ts'
import type { Log, Logging } from '../telemetry/log.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import { type Basics, closeAll } from './basics.ts'
import { definitionOf, webhooksOf } from './definitions.ts'
import { demoModel, ensureDemo, pointDemo } from './demo.ts'
import { webhookEgressRules } from './egress-rules.ts'
import { measure } from './gauges.ts'
import { makeListener } from './listener.ts'
import { messageOf, Refused, wordSystemError } from './refused.ts'
import { openRoom } from './room.ts'
import { openStores, type Stores } from './stores.ts'

/** What is cut at the limit ends with an error, which still has to reach its caller. */
const lastWordsMs = 1000
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
  { log, logCall }: Logging,
  version: string,
): Promise<RunningGateway> {
  for (const { path, message } of settings.warnings) log.warn({ setting: path }, message)
  const basics: Basics = {
    clock: openClock(settings.testClockFile),
    newUlid: ulidSource(),
    log,
    logCall,
    metrics: openMetrics(),
    onError: (error) => log.warn({ err: error }, 'a round failed, and the next comes'),
    closers: [],
  }
  try {
    return await open(settings, basics, version)
  } catch (error) {
    await closeAll(basics.closers)
    throw error
  }
}

async function open(settings: Settings, basics: Basics, version: string): Promise<RunningGateway> {
  const { closers } = basics
  let isDraining = false
  const stores = await openStores(settings, basics)
  const { tenancy } = stores
  const echo = settings.isUnconfigured ? await startEchoUpstream() : null
  if (echo !== null) closers.push(echo.close)
  await applyFile(settings, tenancy, basics.log)
  refuseExposure(settings, tenancy)
  if (echo !== null) await pointDemo(tenancy, echo.baseUrl)

  const room = openRoom(settings, basics, stores, echo?.baseUrl ?? null)
  beginDeliveries(settings, stores)
  measure(room, stores)
  const server = makeListener(settings, basics, {
    room,
    tenancy,
    billing: billingOf(stores, basics),
    version,
    isDraining: () => isDraining,
  })
  const url = await listen(server, settings)
  closers.push(async () => void (await server.close(0)))

  return {
    url,
    // Made last: what is shown once must not be made by a start that fails.
    adminKey: await ensureAdminKey(tenancy),
    demo: echo === null ? null : { model: demoModel, key: await ensureDemo(tenancy) },
    async drain() {
      isDraining = true
      const limitMs = settings.server.drain_seconds * 1000
      const limitAt = performance.now() + limitMs
      server.startDrain()
      await server.quiet(limitMs)
      for (const call of room.openCalls.members()) cut(call)
      await server.close(Math.max(limitAt - performance.now(), lastWordsMs))
      await untilEmpty(room.openCalls, lastSettlementsMs)
      await closeAll(closers)
    },
  }
}

function billingOf({ background, masterKey }: Stores, { clock, newUlid }: Basics): Billing {
  return openBilling({ database: background.database, masterKey, clock, newUlid })
}

function beginDeliveries(settings: Settings, { background, masterKey }: Stores): void {
  const { batch, lingerMs, attemptMs, firstBackoffMs, longestBackoffMs, giveUpMs } =
    settings.frontier.webhooks
  background.deliver({
    masterKey,
    egress: webhookEgressRules(settings),
    limits: {
      eventsPerDelivery: batch,
      lingerMs,
      attemptMs,
      firstBackoffMs,
      longestBackoffMs,
      giveUpMs,
    },
  })
}

function listen(server: HttpServer, { host, port }: Settings): Promise<string> {
  return server.listen(host, port).catch((error) => {
    const place = `${host}, port ${port}`
    throw new Refused(`server.host, server.port: cannot listen on ${place}: ${wordSystemError(error)}`)
  })
}

/** Brings what is stored to what the configuration file says. */
async function applyFile(settings: Settings, tenancy: Tenancy, log: Log): Promise<void> {
  const failure =
    (await tenancy.applyWorkspaces(settings.frontier.workspaces.map(definitionOf))) ??
    (await tenancy.applyWebhooks(settings.frontier.workspaces.flatMap(webhooksOf))) ??
    (await tenancy.applyAdminKeys(settings.adminKeys))
  if (failure !== null) throw new Refused(messageOf(failure))
  await applyGovernance(settings, tenancy, log)
  for (const { name, value } of settings.adminKeys) {
    if (tenancy.snapshot().findAdminKey(tenancy.digestOf(value)) !== null) continue
    log.warn({ name }, 'this admin key was revoked and stays so: configure another value')
  }
}

async function applyGovernance({ governance }: Settings, tenancy: Tenancy, log: Log): Promise<void> {
  const { file, workspace } = governance
  if (tenancy.snapshot().workspace(workspace) === null)
    throw new Refused(
      `governance.workspace: must be the id of a workspace; found ${JSON.stringify(workspace)}`,
    )
  const applied = await tenancy.applyGovernanceFile(file)
  if (isFailure(applied)) throw new Refused(messageOf(applied))
  for (const { path, message } of applied) log.warn({ setting: path }, message)
}

/** What strangers could reach without a credential is not served, unless the operator insists. */
function refuseExposure({ mayStandOpen, governance }: Settings, tenancy: Tenancy): void {
  if (mayStandOpen) return
  const { auth, client } = tenancy.snapshot().governance
  const remedy = 'needs a server.host on loopback, or --insecure'
  if (auth?.isEnabled === false)
    throw new Refused(`auth_config.is_enabled: false ${remedy}: management would be open to everybody`)
  if (!(client.enforce_auth_on_inference ?? governance.enforceAuthByDefault))
    throw new Refused(
      `client.enforce_auth_on_inference: false ${remedy}: everybody could call models; where another gateway's file leaves it out, it is false`,
    )
}

/** Management is never open: where there is no admin key yet, one is made, to be shown once. */
async function ensureAdminKey(tenancy: Tenancy): Promise<string | null> {
  if ((await tenancy.listAdminKeys()).length > 0) return null
  return (await tenancy.createAdminKey('installation', 'first start')).value
}

async function untilEmpty(calls: Roster<Call>, limitMs: number): Promise<void> {
  const endsAt = performance.now() + limitMs
  while (calls.size() > 0 && performance.now() < endsAt) await wait(10)
}
