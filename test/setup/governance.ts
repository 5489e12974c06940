import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely, Transaction } from 'kysely'
import { vi } from 'vitest'
import { readCeiling } from '../../src/domain/money.ts'
import { migrate } from '../../src/store/migrate.ts'
import type { Schema } from '../../src/store/schema.ts'
import { virtualKeyPlace } from '../../src/tenancy/governance/owners/virtual-keys.sql.ts'
import { mcpClientPlace } from '../../src/tenancy/governance/providers/mcp-clients.sql.ts'
import { providerKeyPlace, providerPlace } from '../../src/tenancy/governance/providers/providers.sql.ts'
import { moveRevision } from '../../src/tenancy/installation.sql.ts'
import { digestCredential } from '../../src/tenancy/keys/digest.ts'
import { deriveKeyring } from '../../src/tenancy/sealing/keyring.ts'
import { seal } from '../../src/tenancy/sealing/sealing.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { migratedFolder, openOnThisThread, type TestPlace } from './databases.ts'
import { configurationFor } from './frontier.ts'
import {
  type Gateway,
  type GatewayOptions,
  type GatewayProcess,
  masterKeyOfTests,
  startGateway,
  startGatewayProcess,
} from './gateway.ts'

// Customers, teams, virtual keys and providers for tests of calls: written in the words of the management API, and put
// into the database before the gateway starts.

export interface BudgetWish {
  readonly id?: string
  readonly max_limit: number
  readonly reset_duration: string
  readonly calendar_aligned?: boolean
  readonly strict?: boolean
}

export interface RateLimitWish {
  readonly id?: string
  readonly token_max_limit?: number
  readonly token_reset_duration?: string
  readonly request_max_limit?: number
  readonly request_reset_duration?: string
  readonly strict?: boolean
}

export interface LimitsWish {
  readonly budgets?: readonly BudgetWish[]
  readonly rate_limit?: RateLimitWish
}

export interface ProviderConfigWish extends LimitsWish {
  readonly provider: string
  readonly weight?: number | null
  readonly allowed_models?: readonly string[]
  readonly blacklisted_models?: readonly string[]
  /** `["*"]` unless told: all keys. */
  readonly key_ids?: readonly string[]
}

export interface VirtualKeyWish extends LimitsWish {
  readonly name: string
  readonly value: string
  readonly is_active?: boolean
  readonly expires_at?: number
  readonly team?: string
  readonly customer?: string
  readonly provider_configs?: readonly ProviderConfigWish[]
  readonly mcp_configs?: readonly {
    readonly mcp_client_name: string
    readonly tools_to_execute: readonly string[]
  }[]
}

export interface ProviderKeyWish {
  readonly name: string
  readonly value?: string
  readonly models?: readonly string[]
  readonly blacklisted_models?: readonly string[]
  readonly aliases?: Readonly<Record<string, string>>
  readonly weight?: number
  readonly enabled?: boolean
  readonly azure_key_config?: object
}

export interface ProviderWish {
  readonly provider: string
  readonly keys?: readonly ProviderKeyWish[]
  /** The fake upstream's address stands in it unless told otherwise. */
  readonly network_config?: Readonly<Record<string, unknown>>
  readonly custom_provider_config?: object
  readonly extra_headers?: Readonly<Record<string, string>>
  /** Whether the address is taken as one of the configuration file: it is unless told. */
  readonly is_trusted?: boolean
}

export interface Seed {
  readonly client_config?: object
  readonly providers?: readonly ProviderWish[]
  readonly customers?: readonly ({ readonly name: string } & LimitsWish)[]
  readonly teams?: readonly ({ readonly name: string; readonly customer?: string } & LimitsWish)[]
  readonly virtual_keys?: readonly VirtualKeyWish[]
  readonly model_configs?: readonly ({
    readonly model_name: string
    readonly provider?: string
    /** The name of the virtual key that it is for. */
    readonly virtual_key?: string
  } & LimitsWish)[]
  readonly provider_governance?: readonly ({ readonly provider: string } & LimitsWish)[]
  readonly routing_rules?: readonly {
    readonly name: string
    readonly cel_expression: string
    readonly targets: readonly {
      readonly provider?: string
      readonly model?: string
      readonly key_id?: string
      readonly weight: number
    }[]
    readonly fallbacks?: readonly string[]
    readonly chain_rule?: boolean
    readonly priority?: number
    readonly virtual_key?: string
  }[]
  readonly pricing_overrides?: readonly {
    readonly pattern: string
    readonly patch: Readonly<Record<string, string>>
    readonly request_types?: readonly string[]
    readonly virtual_key?: string
  }[]
  readonly mcp_clients?: readonly string[]
}

/** A gateway with what was seeded, before a fake upstream that all its providers lead to unless told. */
export interface Governed<Served extends Gateway = Gateway> {
  readonly gateway: Served
  readonly upstream: FakeUpstream
  readonly databaseUrl: string
  /** What stands in the database once the gateway has stored what it has settled. */
  read<Row>(query: (database: Kysely<Schema>) => Promise<Row>, until: (row: Row) => boolean): Promise<Row>
  /** Writes more, and waits until the gateway has it. */
  seed(more: Seed): Promise<void>
  close(): Promise<void>
}

export interface GovernedOptions {
  readonly clock?: number
  /** More members of the configuration file. */
  readonly config?: object
  /** More members of the workspace in it. */
  readonly ofWorkspace?: object
  readonly environment?: Record<string, string>
  readonly dataDirectory?: string
  /** Where it is kept, and removed with it; SQLite in the data directory where it is left out. */
  readonly place?: TestPlace
}

const keyring = deriveKeyring(masterKeyOfTests)
/** What is seeded is older than any call. */
const seededAt = Date.UTC(2026, 0, 1)
const refreshedWithinMs = 1500

export function openGoverned(seed: Seed, options: GovernedOptions = {}): Promise<Governed> {
  return open(seed, options, startGateway)
}

/** The same, to be killed. */
export function openGovernedProcess(
  seed: Seed,
  options: GovernedOptions = {},
): Promise<Governed<GatewayProcess>> {
  return open(seed, options, startGatewayProcess)
}

async function open<Served extends Gateway>(
  seed: Seed,
  options: GovernedOptions,
  begin: (options: GatewayOptions) => Promise<Served>,
): Promise<Governed<Served>> {
  const upstream = await startFakeUpstream()
  const dataDirectory = options.dataDirectory ?? (await migratedFolder())
  const databaseUrl = options.place?.url ?? `sqlite:${join(dataDirectory, 'tollgate.db')}`
  await write(databaseUrl, seed, upstream.url)
  const gateway = await begin({
    config: configurationFor(upstream.url, options.config, options.ofWorkspace),
    databaseUrl,
    dataDirectory,
    ...(options.clock !== undefined && { clock: options.clock }),
    ...(options.environment !== undefined && { environment: options.environment }),
  })
  return {
    gateway,
    upstream,
    databaseUrl,
    async read(query, until) {
      const database = openOnThisThread(databaseUrl)
      try {
        return await vi.waitFor(
          async () => {
            const row = await query(database.read)
            if (!until(row)) throw new Error(`not yet: ${JSON.stringify(row)}`)
            return row
          },
          { timeout: 10_000, interval: 50 },
        )
      } finally {
        await database.close()
      }
    },
    async seed(more) {
      await write(databaseUrl, more, upstream.url)
      await sleep(refreshedWithinMs)
    },
    async close() {
      await gateway.stop()
      await upstream.close()
      await options.place?.remove()
    },
  }
}

async function write(databaseUrl: string, seed: Seed, upstreamUrl: string): Promise<void> {
  const database = openOnThisThread(databaseUrl)
  try {
    await migrate(database)
    await database.transaction(async (transaction) => {
      await insert({ transaction, revision: await moveRevision(transaction), upstreamUrl }, seed)
    })
  } finally {
    await database.close()
  }
}

interface Writing {
  readonly transaction: Transaction<Schema>
  readonly revision: number
  readonly upstreamUrl: string
}

let numbered = 0

/** Ids are names: what a test reads is what it wrote. */
async function insert(writing: Writing, seed: Seed): Promise<void> {
  const { transaction, revision } = writing
  const stamp = { config_hash: null, created_at: seededAt, updated_at: seededAt, revision }
  for (const provider of seed.providers ?? []) await insertProvider(writing, provider)
  for (const name of seed.mcp_clients ?? []) {
    await transaction
      .insertInto('mcp_clients')
      .values({
        id: ++numbered,
        client_id: name,
        name,
        connection_type: 'http',
        sealed_connection: seal(keyring, randomBytes, '{}', mcpClientPlace(name)),
        settings: '{}',
        ...stamp,
      })
      .execute()
  }
  for (const { name, ...limits } of seed.customers ?? []) {
    await transaction
      .insertInto('customers')
      .values({ id: name, name, calendar_aligned: 0, ...stamp })
      .execute()
    await insertLimits(writing, 'customer', name, limits)
  }
  for (const { name, customer, ...limits } of seed.teams ?? []) {
    const json = { profile: '{}', config: '{}', claims: '{}' }
    await transaction
      .insertInto('teams')
      .values({ id: name, name, customer_id: customer ?? null, calendar_aligned: 0, ...json, ...stamp })
      .execute()
    await insertLimits(writing, 'team', name, limits)
  }
  for (const key of seed.virtual_keys ?? []) await insertVirtualKey(writing, key)
  for (const { model_name, provider, virtual_key, ...limits } of seed.model_configs ?? []) {
    const id = `model-config-${++numbered}`
    await transaction
      .insertInto('model_configs')
      .values({
        id,
        model_name,
        provider: provider ?? null,
        scope: virtual_key === undefined ? 'global' : 'virtual_key',
        scope_id: virtual_key ?? null,
        calendar_aligned: 0,
        ...stamp,
      })
      .execute()
    await insertLimits(writing, 'model_config', id, limits)
  }
  for (const { provider, ...limits } of seed.provider_governance ?? []) {
    await transaction
      .insertInto('provider_limits')
      .values({ provider, calendar_aligned: 0, ...stamp })
      .execute()
    await insertLimits(writing, 'provider', provider, limits)
  }
  for (const rule of seed.routing_rules ?? []) {
    await transaction
      .insertInto('routing_rules')
      .values({
        id: rule.name,
        name: rule.name,
        description: '',
        enabled: 1,
        chain_rule: rule.chain_rule ? 1 : 0,
        cel_expression: rule.cel_expression,
        targets: JSON.stringify(
          rule.targets.map(({ provider = null, model = null, key_id = null, weight }) => {
            return { provider, model, keyId: key_id, weight }
          }),
        ),
        fallbacks: JSON.stringify(rule.fallbacks ?? []),
        scope: rule.virtual_key === undefined ? 'global' : 'virtual_key',
        scope_id: rule.virtual_key ?? null,
        priority: rule.priority ?? 0,
        query: null,
        ...stamp,
      })
      .execute()
  }
  for (const override of seed.pricing_overrides ?? []) {
    const id = `override-${++numbered}`
    await transaction
      .insertInto('pricing_overrides')
      .values({
        id,
        name: id,
        scope_kind: override.virtual_key === undefined ? 'global' : 'virtual_key',
        virtual_key_id: override.virtual_key ?? null,
        provider_id: null,
        provider_key_id: null,
        match_type: override.pattern.endsWith('*') ? 'wildcard' : 'exact',
        pattern: override.pattern,
        request_types: JSON.stringify(
          override.request_types ?? ['chat_completion', 'text_completion', 'responses', 'embedding'],
        ),
        patch: JSON.stringify(override.patch),
        ...stamp,
      })
      .execute()
  }
  if (seed.client_config !== undefined) {
    await transaction
      .insertInto('governance_settings')
      .values({
        name: 'client_config',
        value: JSON.stringify(seed.client_config),
        config_hash: null,
        updated_at: seededAt,
        revision,
      })
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet({ value: JSON.stringify(seed.client_config), revision }),
      )
      .execute()
  }
}

async function insertProvider(
  { transaction, revision, upstreamUrl }: Writing,
  {
    provider,
    keys = [],
    network_config = {},
    custom_provider_config,
    extra_headers,
    is_trusted = true,
  }: ProviderWish,
): Promise<void> {
  const stamp = { config_hash: null, created_at: seededAt, updated_at: seededAt }
  const settings = {
    network_config: { base_url: upstreamUrl, ...network_config },
    ...(custom_provider_config !== undefined && { custom_provider_config }),
  }
  await transaction
    .insertInto('providers')
    .values({
      id: ++numbered,
      name: provider,
      settings: JSON.stringify(settings),
      sealed_secrets:
        extra_headers === undefined
          ? null
          : seal(keyring, randomBytes, JSON.stringify({ extra_headers }), providerPlace(provider)),
      is_base_url_trusted: is_trusted ? 1 : 0,
      revision,
      ...stamp,
    })
    .execute()
  for (const key of keys) {
    const { name, value, azure_key_config } = key
    await transaction
      .insertInto('provider_keys')
      .values({
        id: ++numbered,
        key_id: name,
        provider,
        name,
        sealed_value:
          value === undefined ? null : seal(keyring, randomBytes, value, providerKeyPlace(name, 'value')),
        env_var: '',
        models: JSON.stringify(key.models ?? ['*']),
        blacklisted_models: JSON.stringify(key.blacklisted_models ?? []),
        weight: String(key.weight ?? 1),
        aliases: JSON.stringify(key.aliases ?? {}),
        enabled: key.enabled === false ? 0 : 1,
        use_for_batch_api: 0,
        description: '',
        status: '',
        sealed_cloud:
          azure_key_config === undefined
            ? null
            : seal(
                keyring,
                randomBytes,
                JSON.stringify({ azure_key_config }),
                providerKeyPlace(name, 'cloud'),
              ),
        ...stamp,
      })
      .execute()
  }
}

async function insertVirtualKey(writing: Writing, key: VirtualKeyWish): Promise<void> {
  const { transaction, revision } = writing
  const { name, value } = key
  await transaction
    .insertInto('virtual_keys')
    .values({
      id: name,
      name,
      description: '',
      digest: digestCredential(keyring, value).toString('hex'),
      sealed_value: seal(keyring, randomBytes, value, virtualKeyPlace(name)),
      previous_digest: null,
      previous_until: null,
      is_active: key.is_active === false ? 0 : 1,
      team_id: key.team ?? null,
      customer_id: key.customer ?? null,
      calendar_aligned: 0,
      expires_at: key.expires_at ?? null,
      config_hash: null,
      created_at: seededAt,
      updated_at: seededAt,
      revision,
    })
    .execute()
  await insertLimits(writing, 'virtual_key', name, key)
  for (const [position, config] of (key.provider_configs ?? []).entries()) {
    const id = ++numbered
    const keyIds = config.key_ids ?? ['*']
    await transaction
      .insertInto('provider_configs')
      .values({
        id,
        virtual_key_id: name,
        position,
        provider: config.provider,
        weight: config.weight === undefined || config.weight === null ? null : String(config.weight),
        allowed_models: JSON.stringify(config.allowed_models ?? ['*']),
        blacklisted_models: JSON.stringify(config.blacklisted_models ?? []),
        allow_all_keys: keyIds.includes('*') ? 1 : 0,
        key_ids: JSON.stringify(keyIds.includes('*') ? [] : keyIds),
      })
      .execute()
    await insertLimits(writing, 'provider_config', String(id), config)
  }
  for (const [position, config] of (key.mcp_configs ?? []).entries()) {
    const client = await transaction
      .selectFrom('mcp_clients')
      .select('id')
      .where('name', '=', config.mcp_client_name)
      .executeTakeFirstOrThrow()
    await transaction
      .insertInto('mcp_configs')
      .values({
        id: ++numbered,
        virtual_key_id: name,
        position,
        mcp_client_id: client.id,
        tools: JSON.stringify(config.tools_to_execute),
      })
      .execute()
  }
}

async function insertLimits(
  { transaction }: Writing,
  owner_kind: string,
  owner_id: string,
  { budgets = [], rate_limit }: LimitsWish,
): Promise<void> {
  const owner = { owner_kind, owner_id, config_hash: null, created_at: seededAt, updated_at: seededAt }
  for (const budget of budgets) {
    const max = readCeiling(String(budget.max_limit))
    if (typeof max === 'string') throw new Error(`not a budget: ${budget.max_limit}`)
    await transaction
      .insertInto('budgets')
      .values({
        id: budget.id ?? `budget-${++numbered}`,
        max_whole: max.whole,
        max_pico: max.pico,
        reset_duration: budget.reset_duration,
        calendar_aligned: budget.calendar_aligned ? 1 : 0,
        strict: budget.strict ? 1 : 0,
        generation: 0,
        starts_at: seededAt,
        kept_since: 0,
        ...owner,
      })
      .execute()
  }
  if (rate_limit === undefined) return
  await transaction
    .insertInto('rate_limits')
    .values({
      id: rate_limit.id ?? `rate-${++numbered}`,
      token_max: rate_limit.token_max_limit ?? null,
      token_duration: rate_limit.token_reset_duration ?? null,
      token_generation: 0,
      token_starts_at: seededAt,
      token_kept_since: 0,
      request_max: rate_limit.request_max_limit ?? null,
      request_duration: rate_limit.request_reset_duration ?? null,
      request_generation: 0,
      request_starts_at: seededAt,
      request_kept_since: 0,
      calendar_aligned: 0,
      strict: rate_limit.strict ? 1 : 0,
      ...owner,
    })
    .execute()
}

/** A call of the native door: `credential` as `x-bf-vk` unless other headers say who calls. */
export async function call(
  { gateway }: Pick<Governed, 'gateway'>,
  credential: string | null,
  body: object | null,
  { path = '/v1/chat/completions', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<NativeAnswered> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: body === null ? 'GET' : 'POST',
    headers: {
      ...(body !== null && { 'content-type': 'application/json' }),
      ...(credential !== null && { 'x-bf-vk': credential }),
      ...headers,
    },
    ...(body !== null && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parsed(text) }
}

export interface NativeAnswered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
  readonly body: any
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The body of a chat, with more members where they are given. */
export function chatOf(model: string, more: object = {}): object {
  return { model, messages: [{ role: 'user', content: 'Hello' }], ...more }
}
