import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createManagement } from '../../src/api/management.ts'
import { openBilling } from '../../src/billing/billing.ts'
import { isFailure } from '../../src/domain/failure.ts'
import { ulidSource } from '../../src/domain/ids.ts'
import { type MemoryCounters, openMemoryCounters } from '../../src/limits/memory.ts'
import type { Database } from '../../src/store/database.ts'
import { followLimits } from '../../src/tenancy/governance/limits/limit-changes.ts'
import { openTenancy, type Tenancy } from '../../src/tenancy/tenancy.ts'
import type { WorkspaceDefinition } from '../../src/tenancy/workspaces/workspaces.ts'
import { documentedFetch } from '../setup/contract.ts'
import { setupServices } from '../setup/setup-services.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are compared member by member, whatever they are
type Json = any

export interface Answer {
  readonly status: number
  readonly text: string
  readonly body: Json
  readonly headers: Headers
}

/** How a call is made: by default with W's managing key. */
export interface CallOptions {
  readonly key?: string | null
  readonly scheme?: string
  /** Sent as JSON, or as it is where it is text or bytes. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The management API on a loopback port, with the workspaces W, X and N of the published cases. */
export interface World {
  readonly tenancy: Tenancy
  readonly database: Database
  readonly counters: MemoryCounters
  readonly url: string
  /** What the API reported as bugs. */
  readonly bugs: readonly unknown[]
  /** Names of counters whose owner went. */
  readonly countersGone: readonly string[]
  now(): number
  setClock(at: number): void
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  close(): Promise<void>
}

export const keys = {
  w: 'w-manages-everything',
  wInvoke: 'w-may-only-call',
  wMetrics: 'w-may-only-watch',
  x: 'x-manages-everything',
  n: 'n-manages-everything',
} as const

export const masterKey = 'the master key of the tests'

export async function openWorld(database: Database): Promise<World> {
  let now = Date.UTC(2026, 10, 2, 8, 15)
  const bugs: unknown[] = []
  const countersGone: string[] = []
  const counters = openMemoryCounters()
  const tenancy = await openTenancy({
    database,
    clock: () => now,
    newUlid: ulidSource(),
    random: randomBytes,
    masterKey,
    counters,
    onLimitsChanged: (changes) => followLimits(counters, changes),
    onCountersGone: (names) => countersGone.push(...names),
  })
  if (isFailure(tenancy)) throw new Error(JSON.stringify(tenancy))
  const refused = await tenancy.applyWorkspaces(workspaces)
  if (refused) throw new Error(JSON.stringify(refused))

  const reportBug = (error: unknown) => `bug-${bugs.push(error)}`
  const { fetch: serve } = createManagement({
    tenancy,
    billing: openBilling({ database, masterKey, clock: () => now, newUlid: ulidSource() }),
    counters,
    clock: () => now,
    ...setupServices,
    // Time stands still here, so no second ever ends.
    requestsPerSecond: 1_000_000,
    version: '0.0.0',
    reportBug,
  })
  const server = createServer(getRequestListener(serve)).listen(0, '127.0.0.1')
  // A test may be busy for longer than an idle connection would be kept.
  server.keepAliveTimeout = 0
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    tenancy,
    database,
    counters,
    url,
    bugs,
    countersGone,
    now: () => now,
    setClock(at) {
      now = at
    },
    call: (method, path, options) => call(`${url}${path}`, method, options),
    async close() {
      server.closeAllConnections()
      server.close()
      await database.close()
    },
  }
}

async function call(url: string, method: string, options: CallOptions = {}): Promise<Answer> {
  const { key = keys.w, scheme = 'Api-Key', body, headers } = options
  const answer = await documentedFetch(url, {
    method,
    headers: { ...(key === null ? {} : { authorization: `${scheme} ${key}` }), ...headers },
    ...(body === undefined ? {} : { body: isSentAsIs(body) ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.startsWith('application/json')
  return {
    status: answer.status,
    text,
    body: isJson ? JSON.parse(text) : null,
    headers: answer.headers,
  }
}

function isSentAsIs(body: unknown): body is string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' || body instanceof Uint8Array
}

const secrets = [{ id: 'sec_openai', value: 'sk-of-the-vendor' }]
const production = { model: 'lumen-2', apiKey: 'upstream-key', region: null }

const workspaces: readonly WorkspaceDefinition[] = [
  {
    id: 'w',
    name: 'W',
    onboarded: true,
    slugPrefixes: ['aurora', 'zephyr'],
    domains: ['ai.aurora.example'],
    keys: [
      { name: 'manage', value: keys.w, type: 'WORKSPACE_MANAGE_ALL' },
      { name: 'invoke', value: keys.wInvoke, type: 'WORKSPACE_INVOKE' },
      { name: 'metrics', value: keys.wMetrics, type: 'WORKSPACE_EXPORT_METRICS' },
    ],
    secrets,
    environments: [
      { modelId: 'q7w3zkd', name: 'production', baseUrl: 'http://127.0.0.1:9999/v1', ...production },
      { modelId: 'q7w3zkd', name: 'canary', baseUrl: 'http://127.0.0.1:9998/v1/', ...production },
    ],
    registrationPublicKey: null,
  },
  {
    id: 'x',
    name: 'X',
    onboarded: true,
    slugPrefixes: ['borealis'],
    domains: [],
    keys: [{ name: 'manage', value: keys.x, type: 'PERSONAL' }],
    secrets: [],
    environments: [{ modelId: 'x1', name: 'production', baseUrl: 'http://127.0.0.1:9997/v1', ...production }],
    registrationPublicKey: null,
  },
  {
    id: 'n',
    name: 'N',
    onboarded: false,
    slugPrefixes: ['nimbus'],
    domains: [],
    keys: [{ name: 'manage', value: keys.n, type: 'PERSONAL' }],
    secrets: [],
    environments: [],
    registrationPublicKey: null,
  },
]
