import { vi } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import { type FakeUpstream, type FakeUpstreamOptions, startFakeUpstream } from '../fake-upstream.ts'
import { documentedFetch } from './contract.ts'
import type { TestPlace } from './databases.ts'
import { type Gateway, startGateway } from './gateway.ts'
import type { NativeAnswered, ProviderWish, VirtualKeyWish } from './governance.ts'

// A gateway as an operator sets it up: what there is was asked for over the management APIs while it ran.

/** What is set up at first. `network_config` may hold another address than the fake upstream's. */
export interface SetUp {
  readonly client_config?: object
  readonly providers?: readonly Omit<ProviderWish, 'is_trusted' | 'extra_headers'>[]
  readonly virtual_keys?: readonly Omit<VirtualKeyWish, 'value'>[]
  readonly pricing_overrides?: readonly object[]
}

export interface Managed {
  readonly gateway: Gateway
  readonly upstream: FakeUpstream
  /** A virtual key's value, by its name. */
  keyOf(name: string): string
  /** Asks the management APIs, as an administrator, and fails where they refuse. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
  manage(method: string, path: string, body?: unknown): Promise<any>
  /** What stands in the database once the gateway has stored what it has settled. */
  read<Row>(query: (read: Database['read']) => Promise<Row>, until: (row: Row) => boolean): Promise<Row>
  close(): Promise<void>
}

/** Starts a gateway on a database, before a fake upstream that all its providers lead to unless told. */
export async function openManaged(
  place: TestPlace,
  wanted: SetUp,
  upstreamOptions: FakeUpstreamOptions = {},
): Promise<Managed> {
  const upstream = await startFakeUpstream(upstreamOptions)
  const gateway = await startGateway({
    config: { network: { allow_private: ['127.0.0.0/8'] } },
    databaseUrl: place.url,
  })
  const values = new Map<string, string>()

  const manage: Managed['manage'] = async (method, path, body) => {
    const answer = await documentedFetch(`${gateway.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }

  if (wanted.client_config !== undefined) {
    await manage('PUT', '/api/config', { client_config: wanted.client_config })
  }
  for (const { keys = [], network_config = {}, ...provider } of wanted.providers ?? []) {
    await manage('POST', '/api/providers', {
      ...provider,
      network_config: { base_url: upstream.url, allow_private_network: true, ...network_config },
      keys: keys.map((key) => ({ id: key.name, ...key })),
    })
  }
  for (const wish of wanted.virtual_keys ?? []) {
    const { provider_configs = [] } = wish
    const { virtual_key } = await manage('POST', '/api/governance/virtual-keys', {
      ...wish,
      provider_configs: provider_configs.map((config) => ({
        allowed_models: ['*'],
        key_ids: ['*'],
        ...config,
      })),
    })
    values.set(wish.name, virtual_key.value)
  }
  for (const override of wanted.pricing_overrides ?? []) {
    await manage('POST', '/api/governance/pricing-overrides', override)
  }

  return {
    gateway,
    upstream,
    manage,
    keyOf(name) {
      const value = values.get(name)
      if (value === undefined) throw new Error(`no virtual key ${name}`)
      return value
    },
    read: (query, until) =>
      vi.waitFor(
        async () => {
          const row = await place.look(query)
          if (!until(row)) throw new Error(`not yet: ${JSON.stringify(row)}`)
          return row
        },
        { timeout: 20_000, interval: 50 },
      ),
    async close() {
      await gateway.stop()
      await upstream.close()
      await place.remove()
    },
  }
}

/** The usage event of a call of the native door, with what that door adds to it. */
export async function nativeEventOf(world: Managed, { headers }: NativeAnswered) {
  const requestId = headers.get('x-tollgate-request-id') ?? ''
  const event = await world.read(
    (read) =>
      read
        .selectFrom('usage_events')
        .innerJoin('native_calls', 'native_calls.id', 'usage_events.id')
        .selectAll('usage_events')
        .select(['request_type', 'attempts', 'parse_errors', 'priced', 'virtual_key_id', 'provider_key_id'])
        .where('usage_events.request_id', '=', requestId)
        .executeTakeFirst(),
    (found) => found !== undefined,
  )
  if (event === undefined) throw new Error(`no event of ${requestId}`)
  return event
}

/** What a call has cost, in picodollars. */
export function picoOf({ cost_whole, cost_pico }: { cost_whole: number; cost_pico: number }): bigint {
  return BigInt(cost_whole) * 1_000_000n + BigInt(cost_pico)
}
