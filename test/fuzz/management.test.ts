import { generateKeyPairSync } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { expectDocumented, gatewayContract, operationAt } from '../setup/contract.ts'
import { isLong } from '../setup/form.ts'
import { openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { faultsOf, type Group } from './management-invariants.ts'
import { type Known, type ManagementRequest, requestMaker } from './management-requests.ts'
import { openDice } from './mutations.ts'

const requests = Number(process.env.TOLLGATE_FUZZ_REQUESTS ?? (isLong ? 100_000 : 1000))
/** So many times as long it goes on where an operation has not succeeded yet: the dice may keep one waiting. */
const patience = 10
const senders = 4
/** Of each sender, between two looks at what they made together. */
const atOnce = 125
/** Each sender has things of its own, so that one seed makes it send the same again. */
const seed = Number(process.env.TOLLGATE_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32))

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const agent = new Agent({ keepAlive: true, maxSockets: senders * 2 })
let gateway: Gateway

beforeAll(async () => {
  const workspace = (id: string) => ({
    id,
    slug_prefixes: [id],
    api_keys: [{ name: 'tests', value: `workspace-key-of-${id}`, type: 'WORKSPACE_MANAGE_ALL' }],
    secrets: [{ id: 'sec_vendor', value: 'secret-of-the-vendor' }],
    registration_public_key: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString(
      'base64',
    ),
    models: [
      {
        id: 'lumen',
        environments: {
          production: { base_url: 'http://127.0.0.1:9/v1', model: 'lumen-2' },
          canary: { base_url: 'http://127.0.0.1:9/v1', model: 'lumen-3' },
        },
      },
    ],
  })
  gateway = await startGateway({
    config: {
      version: 2,
      frontier: {
        management_requests_per_second: 1_000_000,
        workspaces: [workspace('aurora'), workspace('borealis')],
      },
    },
  })
})
afterAll(async () => {
  agent.destroy()
  expect(await gateway.stop()).toBe(0)
})

test(`${requests} requests, right and wrong, break no rule and leave the gateway whole`, async () => {
  onTestFailed(() => console.error(`TOLLGATE_FUZZ_SEED=${seed} sends the same again`))
  const other = openFrontier(gateway, 'workspace-key-of-borealis')
  const foreignGroup = await other.createGroup({ models: { 'borealis/lumen': [] } })
  const foreign = [foreignGroup, await other.createEndpoint('borealis/lumen'), 'g_01KB2Q9V7M3C4D5E6F7G8H9J0K']
  const all = Array.from({ length: senders }, (_, number) => openSender(`s${number}`, seed + number, foreign))
  const statuses = new Map<string, Set<number>>()
  const operations = gatewayContract().operations.map(({ id }) => id)
  const unseen = () => operations.filter((id) => !statuses.get(id)?.has(200))
  for (
    let sent = 0;
    sent < requests || (sent < requests * patience && unseen().length > 0);
    sent += senders * atOnce
  ) {
    await Promise.all(
      all.map(async (sender) => {
        for (let number = 0; number < atOnce; number++) {
          const { operation, status } = await sender.send()
          statuses.set(operation, (statuses.get(operation) ?? new Set()).add(status))
        }
      }),
    )
    await expectSound()
  }
  const { body } = await other.request('GET', `/groups/${foreignGroup}`)
  expect(body.models).toEqual([{ slug: 'borealis/lumen', rate_limits: [], usage_limits: [] }])
  // Where an operation never succeeds, the requests are too wrong to find anything behind it.
  expect(unseen()).toEqual([])
  expect(gateway.log()).not.toMatch(/"level":(?:50|60)/)
}, 900_000)

function openSender(name: string, senderSeed: number, foreign: readonly string[]) {
  const slugs = [0, 1].map((number) => `aurora/${name}-${number}`)
  const known: Known = { name, groups: [], endpoints: [], keys: [], slugs, foreign }
  const next = requestMaker(openDice(senderSeed), known, 'Api-Key workspace-key-of-aurora', privateKey)
  return {
    async send(): Promise<{ operation: string; status: number }> {
      const request = next()
      const { status, text } = await exchange(request)
      const where = `${request.method} ${request.path.slice(0, 300)} answers ${status}: ${text.slice(0, 300)}`
      if (status >= 500) throw new Error(`${where} to ${String(request.body).slice(0, 2000)}`)
      // Steps upwards are taken before the path is matched, as everywhere on the web.
      const { pathname: path } = new URL(request.path, gateway.url)
      const operation = operationAt(request.method, path)
      if (operation === null) expect(status, where).toBeGreaterThanOrEqual(400)
      else expectDocumented(request.method, path, status, text)
      if (operation !== null && status === 200) learn(known, operation, path, JSON.parse(text))
      return { operation: operation ?? 'none', status }
    },
  }
}

/** What is there after a request that succeeded. What was deleted with something else is found to be gone later. */
function learn(known: Known, operation: string, path: string, body: { id: string; prefix: string }): void {
  const remove = (list: string[], item: string) => list.splice(list.indexOf(item) >>> 0, 1)
  if (operation === 'PostGatewayGroups') known.groups.push(body.id)
  if (operation === 'DeleteGatewayGroups') remove(known.groups, body.id)
  if (operation === 'PostGatewayEndpoints') known.endpoints.push(body.id)
  if (operation === 'DeleteGatewayEndpoints') remove(known.endpoints, body.id)
  if (operation === 'PostGatewayGroupsApiKeys') known.keys.push(`${path.split('/')[4]} ${body.prefix}`)
}

function exchange({
  method,
  path,
  headers,
  body,
}: ManagementRequest): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url)
    const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) }
    const sent = httpRequest(
      { agent, hostname, port, method, path, headers: { ...headers, ...length } },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.once('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        )
        answer.once('error', reject)
      },
    )
    sent.once('error', reject)
    sent.end(body ?? undefined)
  })
}

/** Reads everything back through the API, page by page. */
async function expectSound(): Promise<void> {
  const { request } = openFrontier(gateway)
  const everything = async (path: string) => {
    const all = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await request(
        'GET',
        `${path}?limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      )
      all.push(...body.items)
      cursor = body.pagination.cursor
    }
    return all
  }
  const groups: Group[] = await everything('/groups')
  const endpoints: { slug: string }[] = await everything('/endpoints')
  expect(
    faultsOf(
      groups,
      endpoints.map(({ slug }) => slug),
    ),
  ).toEqual([])
}
