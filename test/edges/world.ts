import { expect, vi } from 'vitest'
import { type FakeUpstream, type FakeUpstreamOptions, startFakeUpstream } from '../fake-upstream.ts'
import { chatStatus, configurationFor, type Frontier, openFrontier } from '../setup/frontier.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../setup/gateway.ts'
import { dial, request, type Wire, type WireAnswer } from './wire.ts'

export const slug = 'aurora/lumen'
export const chatPath = '/v1/chat/completions'

/** A gateway before a fake upstream, with one slug and a key that may call it without limit. */
export interface World {
  readonly gateway: Gateway
  readonly upstream: FakeUpstream
  readonly frontier: Frontier
  readonly key: string
  /** A call of the model as bytes: with this body, the key, JSON, and a length unless `headers` say otherwise. */
  post(body: string | Buffer, headers?: readonly string[]): Buffer
  metric(name: string): Promise<number>
  /** Ends both. Fails if the gateway's log tells of more than a warning. */
  close(): Promise<void>
}

export interface WorldOptions extends Omit<GatewayOptions, 'config'> {
  readonly server?: object
  /** What starts the gateway, where it has to be that. */
  readonly begin?: (options: GatewayOptions) => Promise<Gateway>
  readonly upstream?: FakeUpstreamOptions
}

export async function openWorld({
  server = {},
  begin = startGateway,
  upstream: fake,
  ...options
}: WorldOptions = {}): Promise<World> {
  const upstream = await startFakeUpstream(fake)
  const gateway = await begin({ config: configurationFor(upstream.url, { server }), ...options })
  const frontier = openFrontier(gateway)
  await frontier.createEndpoint(slug)
  const key = await frontier.mintKey(await frontier.createGroup({ models: { [slug]: [] } }))

  return {
    gateway,
    upstream,
    frontier,
    key,
    post: (body, headers = []) => request(`POST ${chatPath} HTTP/1.1`, withUsual(headers, key, body), body),
    async metric(name) {
      const response = await fetch(`${gateway.url}/metrics`, {
        headers: { authorization: `Bearer ${gateway.adminKey}` },
      })
      const line = new RegExp(`^${name} (\\S+)$`, 'm').exec(await response.text())
      return Number(line?.[1])
    },
    async close() {
      await gateway.stop()
      await upstream.close()
      expect(problemsIn(gateway.log()).slice(0, 3)).toEqual([])
    },
  }
}

/** The usual headers of a call, each unless `headers` have it. */
function withUsual(headers: readonly string[], key: string, body: string | Buffer): string[] {
  const given = new Set(headers.map((line) => line.slice(0, line.indexOf(':')).toLowerCase()))
  const usual = [
    'Host: localhost',
    `Authorization: Api-Key ${key}`,
    'Content-Type: application/json',
    ...(given.has('transfer-encoding') ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ]
  return [...usual.filter((line) => !given.has(line.slice(0, line.indexOf(':')).toLowerCase())), ...headers]
}

/** The text of a body that every gateway accepts, with more members where they are given. */
export function chatBody(more: object = {}): string {
  return JSON.stringify({ model: slug, messages: [{ role: 'user', content: 'Hello' }], ...more })
}

/** Sends these bytes on a new connection, which stays open. */
export async function answerTo(world: World, bytes: Buffer): Promise<{ wire: Wire; answer: WireAnswer }> {
  const wire = dial(world.gateway.url)
  wire.send(bytes)
  return { wire, answer: await wire.answer() }
}

/** The connection takes another call, and answers that one and nothing else. */
export async function expectKept(world: World, wire: Wire): Promise<void> {
  wire.send(world.post(chatBody()))
  const answer = await wire.answer()
  expect(answer.status).toBe(200)
  expect(answer.json()).toMatchObject({ model: slug })
  wire.socket.destroy()
}

/** What must hold of a gateway after anything that callers did to it: it still serves, and nothing stays held or open. */
export async function expectHealthy(world: World): Promise<void> {
  expect(await chatStatus(world.gateway, world.key, { model: slug })).toBe(200)
  for (const name of ['tollgate_streams_open', 'tollgate_holds_open']) {
    await vi.waitFor(async () => expect([name, await world.metric(name)]).toEqual([name, 0]), 20_000)
  }
}

const harmless = /^(?:\{"level":"(?:info|warn)"|Debugger |For help, see: )/

/** Lines of the log that are more than a warning, or no log lines at all. */
function problemsIn(log: string): string[] {
  return log.split('\n').filter((line) => line !== '' && !harmless.test(line))
}
