import type { UsageEventTable } from '../../src/store/schema.ts'
import { type FakeUpstream, type Script, startFakeUpstream } from '../fake-upstream.ts'
import type { TestPlace } from '../setup/databases.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { configurationFor, type Frontier, modelOf, openFrontier } from '../setup/frontier.ts'
import {
  type Gateway,
  type GatewayOptions,
  type GatewayProcess,
  startGateway,
  startGatewayProcess,
} from '../setup/gateway.ts'
import { type CallWish, type OpenCall, openCall } from './load.ts'
import { chargedTo, type Ledger, readLedger } from './truth.ts'

export const slug = 'aurora/lumen'

/** A group, and a key of it. */
export interface Tenant {
  readonly groupId: string
  readonly key: string
}

export interface Accounts {
  readonly events: readonly UsageEventTable[]
  readonly tokens: number
  readonly requests: number
}

/** For tests in which no day must end. */
export const noon = Date.UTC(2026, 10, 3, 12)

export interface WorldWish {
  readonly place: TestPlace
  readonly script?: Script
  /** Sections of the configuration file; `frontier` is laid over the tests' own. */
  readonly settings?: { readonly frontier?: object; readonly [section: string]: object | undefined }
  /** Where the workspace has its events posted. */
  readonly webhook?: { readonly url: string; readonly secret: string }
  /** Time stands still here, until a start or `gateway.setClock` says otherwise. Else it is the machine's. */
  readonly clock?: number
}

/** A gateway between an upstream and a database, to be broken and started again. */
export interface World<Served extends Gateway = Gateway> {
  readonly upstream: FakeUpstream
  /** The one that runs, or ran last. */
  readonly gateway: Served
  readonly frontier: Frontier
  /** Starts a gateway on the files and the database of the one that has ended. */
  restart(clock?: number): Promise<void>
  /** A key under limits such as `REQUEST/DAY 5`. */
  tenantUnder(...limits: string[]): Promise<Tenant>
  relimit(tenant: Tenant, ...limits: string[]): Promise<void>
  call(tenant: Tenant, wish?: Partial<CallWish>): OpenCall
  /** Status of one whole call. */
  status(tenant: Tenant): Promise<number>
  /** The reasons of `/readyz`; null when it is ready. */
  unready(): Promise<readonly string[] | null>
  /** A number of `/metrics`. */
  gauge(name: string): Promise<number>
  ledger(): Promise<Ledger>
  /** What the ledger has of a tenant once nothing is held any more and so many requests of it are stored. */
  accountsOf(tenant: Tenant, requests: number): Promise<Accounts>
  /** Ends the gateway if it still runs, and the upstream; the place is its owner's. */
  close(): Promise<void>
}

/** A world whose gateway has a process of its own, which can be killed and looked at. */
export type ProcessWorld = World<GatewayProcess>

export function openWorld(wish: WorldWish): Promise<World> {
  return open(wish, startGateway, (gateway) => gateway.stop())
}

export function openProcessWorld(wish: WorldWish): Promise<ProcessWorld> {
  return open(wish, startGatewayProcess, (gateway) => gateway.stop('SIGKILL'))
}

async function open<Served extends Gateway>(
  { place, script, settings, webhook, clock }: WorldWish,
  begin: (options: GatewayOptions) => Promise<Served>,
  end: (gateway: Served) => Promise<unknown>,
): Promise<World<Served>> {
  const upstream = await startFakeUpstream({ ...(script && { script }), remembered: 1_000_000 })
  const base = configurationFor(upstream.url, {}, webhook && { webhook }) as { readonly frontier: object }
  const config = { ...base, ...settings, frontier: { ...base.frontier, ...settings?.frontier } }
  const dataDirectory = temporaryFolder()
  const start = (now = clock) =>
    begin({
      config,
      dataDirectory,
      databaseUrl: place.url,
      ...(now !== undefined && { clock: now }),
    })
  let gateway = await start()
  const door = {
    get url() {
      return gateway.url
    },
  }
  const frontier = openFrontier(door)
  await frontier.createEndpoint(slug)

  const call = (tenant: Tenant, wish: Partial<CallWish> = {}) =>
    openCall(gateway.url, tenant.key, { model: slug, stream: false, ...wish })
  const gauge = async (name: string) => {
    const headers = { authorization: `Bearer ${gateway.adminKey}` }
    const text = await (await fetch(`${gateway.url}/metrics`, { headers })).text()
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]
    if (value === undefined) throw new Error(`no ${name} in\n${text}`)
    return Number(value)
  }
  return {
    upstream,
    get gateway() {
      return gateway
    },
    frontier,
    async restart(now) {
      gateway = await start(now)
    },
    async tenantUnder(...limits) {
      const groupId = await frontier.createGroup({ models: { [slug]: limits } })
      return { groupId, key: await frontier.mintKey(groupId) }
    },
    async relimit({ groupId }, ...limits) {
      const { status, body } = await frontier.request('PATCH', `/groups/${groupId}`, {
        models: [modelOf(slug, limits)],
      })
      if (status !== 200) throw new Error(`PATCH: ${status} ${JSON.stringify(body)}`)
    },
    call,
    status: async (tenant) => (await call(tenant).ended).status,
    async unready() {
      const response = await fetch(`${gateway.url}/readyz`)
      const { reasons } = (await response.json()) as { reasons?: string[] }
      if ((response.status === 200) !== (reasons === undefined))
        throw new Error(`${response.status} ${reasons}`)
      return reasons ?? null
    },
    gauge,
    ledger: () => readLedger(place),
    async accountsOf({ groupId }, requests) {
      await until(async () => (await gauge('tollgate_holds_open')) === 0, 'the end of all holds')
      const isStored = async () => chargedTo(await readLedger(place), groupId, 'request') >= requests
      await until(isStored, 'the charges')
      const ledger = await readLedger(place)
      return {
        events: ledger.events.filter(({ node_id }) => node_id === groupId),
        tokens: chargedTo(ledger, groupId, 'token'),
        requests: chargedTo(ledger, groupId, 'request'),
      }
    },
    async close() {
      await Promise.all([end(gateway), upstream.close()])
    },
  }
}

/** Runs `work` in a world of its own, and takes that away afterwards. */
export const withWorld = runningIn(openWorld)
/** The same, with a gateway to be killed and looked at. */
export const withProcessWorld = runningIn(openProcessWorld)

function runningIn<Opened extends World>(openIn: (wish: WorldWish) => Promise<Opened>) {
  return async <Place extends TestPlace>(
    { create }: { create(): Promise<Place> },
    wish: Omit<WorldWish, 'place'>,
    work: (world: Opened, place: Place) => Promise<void>,
  ): Promise<void> => {
    const place = await create()
    try {
      const world = await openIn({ place, ...wish })
      try {
        await work(world, place)
      } catch (error) {
        if (error instanceof Error) error.message += troubleIn(world.gateway)
        throw error
      } finally {
        await world.close()
      }
    } finally {
      await place.remove()
    }
  }
}

/** What the gateway's log has besides calls, to go with a failed test. */
function troubleIn(gateway: Gateway): string {
  const lines = gateway.log().split('\n')
  return `\n${lines
    .filter((line) => !line.includes('"level":"info"'))
    .slice(-20)
    .join('\n')}`
}

/** Resolves once `isSo`; throws when that has not come after a time that only a fault takes. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`never came: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
