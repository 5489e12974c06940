import { z } from 'zod'
import { baseUrlRule } from '../tenancy/rules/base-url.ts'
import { adminKeyRule, secretRule, upstreamKeyRule, workspaceKeyRule } from '../tenancy/rules/credentials.ts'
import { hostNameRule } from '../tenancy/rules/host-name.ts'
import { nameRule, slugPrefixRule, workspaceIdRule } from '../tenancy/rules/names.ts'
import { registrationPublicKey } from '../tenancy/rules/registration-public-key.ts'
import type { TextRule } from '../tenancy/rules/text-rule.ts'
import { badWebhookUrl } from '../tenancy/rules/webhook.ts'
import { parseDuration } from './duration.ts'
import { AuthSection, ClientSection, GovernanceSection } from './governance-section.ts'
import { NewMcpClient } from './mcp-clients.ts'
import { ProviderSection, providerName } from './providers.ts'

// Each setting says what it means (`describe`), and, where its type does not, what it may be (`allowed`): faults, the
// published schema and the settings reference all speak from here.

const bounded = (least: string, most: string) => {
  const [leastMs, mostMs] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0]
  return z
    .string()
    .refine((text) => {
      const durationMs = parseDuration(text)
      return durationMs !== null && durationMs >= leastMs && durationMs <= mostMs
    })
    .meta({ allowed: `a duration from ${least} to ${most}, such as 90s or 1h30m (ms, s, m, h, d)` })
}

/** Behind a duration stands a timer, which can wait for 24 days at most. */
const timeout = bounded('1ms', '24h')
const retention = bounded('1h', '36500d')
const seconds = z.number().positive().max(86_400)
const textOf = ({ holds, allowed }: TextRule) => z.string().refine(holds).meta({ allowed })
const name = textOf(nameRule)
const secret = z.string().min(1)
const url = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !URL.canParse(text) || new URL(text).username + new URL(text).password === '')
  .meta({ allowed: 'an http or https URL without credentials' })
const network = z
  .union([z.cidrv4(), z.cidrv6()])
  .meta({ allowed: 'a network such as 10.0.0.0/8 or fd00::/8' })

const server = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8080).describe('Port to listen on; 0 picks one.'),
  threads: z.int().min(1).default(1).describe('Request threads. Only 1 is built so far.'),
  max_request_body_mb: z
    .number()
    .positive()
    .max(1024)
    .default(100)
    .describe('Largest request body of a model call, in MB of 2^20 bytes; above it 413.'),
  max_buffered_mb: z
    .number()
    .positive()
    .max(1_048_576)
    .default(512)
    .describe('Memory that request bodies may take together, in MB of 2^20 bytes; above it 503.'),
  max_connections: z.int().min(1).default(20_000).describe('Client connections held at once; above it 503.'),
  body_idle_seconds: seconds.default(60).describe('How long a request body may pause before 408.'),
  drain_seconds: seconds.default(30).describe('How long calls in flight may take to finish at shut-down.'),
  host_names: z
    .array(textOf(hostNameRule))
    .default([])
    .describe(
      'Names under which the gateway is reached, besides those of loopback and of workspaces: where no credential is asked for, browsers are answered under no other.',
    ),
  trusted_proxies: z.array(network).default([]).describe('Peers whose `X-Forwarded-*` headers are believed.'),
})

const ledger = z.strictObject({
  durability: z
    .enum(['process', 'strict'])
    .default('process')
    .describe(
      '`process` survives the death of the process; `strict` also the loss of power, and waits for the disk.',
    ),
  node_retire_after: bounded('1m', '36500d')
    .default('1h')
    .describe('How long another gateway on the same database may be silent before it is given up.'),
  retention: z
    .strictObject({
      events: retention.default('92d').describe('How long usage events are kept.'),
      audit: retention.default('400d').describe('How long audit rows are kept.'),
      deliveries: retention.default('7d').describe('How long it is kept that events were delivered.'),
      dead_letters: retention
        .default('30d')
        .describe('How long events that could not be delivered are kept to be delivered again.'),
      attempts: retention
        .default('92d')
        .describe(
          'How long attempts are kept that left no usage event: failed, cancelled, or without a count.',
        ),
      refusals: retention
        .default('30d')
        .describe(
          'How long it is kept what limits refused and why, and how many they refused in each minute.',
        ),
      buckets: retention
        .default('400d')
        .describe('How long sums of calls, tokens, cost and durations over 15 minutes are kept.'),
    })
    .prefault({})
    .describe('How long what is stored stays.'),
})

/** One environment of a model; the operator's API takes the same. */
export const ModelEnvironment = z.strictObject({
  base_url: textOf(baseUrlRule).describe('Where the model answers, up to and including `/v1`.'),
  model: name.optional().describe('What the upstream calls the model; left out: the slug.'),
  api_key: textOf(upstreamKeyRule)
    .optional()
    .describe('Sent to the upstream as a Bearer token. An unset `env.NAME`: none is sent.'),
  region: name.optional().describe('`EU` serves endpoints that may not leave the union.'),
})

export const WorkspaceKey = z.strictObject({
  name: name.describe('What the key is called in lists and audit; unique in its workspace.'),
  value: textOf(workspaceKeyRule).describe('The key itself.'),
  type: z
    .enum([
      'PERSONAL',
      'WORKSPACE_MANAGE_ALL',
      'WORKSPACE_INVOKE',
      'WORKSPACE_EXPORT_METRICS',
      'WORKSPACE_MANAGE_API_KEYS',
    ])
    .describe(
      'What the key may do. The first two manage groups, keys and endpoints; the others may nothing yet.',
    ),
})

export const AdminKey = z.strictObject({
  name: name.describe('What the key is called in lists and audit.'),
  value: textOf(adminKeyRule).describe('The key itself.'),
})

export const WorkspaceSecret = z.strictObject({
  id: name.describe('What the `secret_id` of a target names.'),
  value: textOf(secretRule).describe('The credential. An unset `env.NAME` disables it with a warning.'),
})

export const Model = z.strictObject({
  id: name.describe('What the `model_id` of a target names.'),
  environments: z
    .record(name, ModelEnvironment)
    .refine((environments) => Object.keys(environments).length > 0)
    .meta({ allowed: 'a mapping of at least one environment, by name' })
    .describe('Where it is served, by name; `production` is taken where a target names none.'),
})

/** What a workspace is by itself, beside what it holds. The operator's API takes the same. */
export const workspaceMembers = {
  id: textOf(workspaceIdRule).describe('Names the workspace, for instance in `x-tollgate-workspace`.'),
  name: name.describe('Its name for people; left out: the id.'),
  onboarded: z.boolean().describe('`false` refuses every management call of the workspace.'),
  slug_prefixes: z
    .array(textOf(slugPrefixRule))
    .describe('What its slugs begin with, before the `/`. A prefix belongs to one workspace.'),
  domains: z
    .array(textOf(hostNameRule))
    .describe('Host names of its own, without a port. A domain belongs to one workspace.'),
  registration_public_key: z
    .string()
    .refine((text) => registrationPublicKey(text) === null)
    .meta({ allowed: 'an Ed25519 public key: its 32 bytes in base64' })
    .describe('Verifies the registration of keys that the lab has issued itself. Left out: none can be.'),
}

const workspace = z.strictObject({
  id: workspaceMembers.id,
  name: workspaceMembers.name.optional(),
  onboarded: workspaceMembers.onboarded.default(true),
  slug_prefixes: workspaceMembers.slug_prefixes.default([]),
  api_keys: z.array(WorkspaceKey).default([]).describe('Keys that manage the workspace.'),
  registration_public_key: workspaceMembers.registration_public_key.optional(),
  webhook: z
    .strictObject({
      url: url
        .refine((text) => badWebhookUrl(text) === null)
        .meta({ allowed: 'an https URL, or http to localhost, without credentials or fragment' })
        .describe('Where events are posted.'),
      secret: secret.describe('Signs what is posted.'),
    })
    .optional()
    .describe('Where usage events are posted to as they come.'),
  domains: workspaceMembers.domains.default([]),
  secrets: z
    .array(WorkspaceSecret)
    .default([])
    .describe("Providers' credentials that its endpoints may name."),
  models: z.array(Model).default([]).describe("The lab's own models, for targets of provider BASETEN."),
})

const webhooks = z.strictObject({
  linger: bounded('0ms', '1h')
    .default('1s')
    .describe('How long an event waits for others before it is posted.'),
  batch: z.int().min(1).max(1000).default(100).describe('Most events of one delivery.'),
  attempt_timeout: timeout
    .default('10s')
    .describe('For one attempt, from connecting to the head of the answer.'),
  first_backoff: timeout.default('1s').describe('Wait after the first failed attempt; doubled each time.'),
  longest_backoff: timeout.default('5s').describe('Longest wait between two attempts.'),
  give_up_after: timeout
    .default('15s')
    .describe('For all attempts of a delivery and the waits between; then it is a dead letter.'),
  secret_overlap: bounded('0ms', '36500d')
    .default('24h')
    .describe('How long the secret before a rotation goes on signing beside the new one.'),
})

const frontier = z.strictObject({
  strict_key_scheme: z
    .boolean()
    .default(false)
    .describe('Accept keys that call models only as `Authorization: Api-Key`, never as Bearer.'),
  management_requests_per_second: z
    .int()
    .min(1)
    .default(100)
    .describe(
      'How often one key may call one route of `/v1/gateway` or `/v1/audit_logs` within a second; above it 429.',
    ),
  timeouts: z
    .strictObject({
      connect: timeout.default('10s').describe('For connecting to an upstream, TLS included.'),
      first_byte: timeout.default('1200s').describe('From the request sent to the first byte of the answer.'),
      stream_idle: timeout.default('120s').describe('Between two pieces of an answer.'),
      total: timeout.default('1200s').describe('From the request sent to the end of the answer.'),
    })
    .prefault({})
    .describe('How long upstreams may take.'),
  webhooks: webhooks.prefault({}).describe('How usage events are posted to receivers.'),
  workspaces: z.array(workspace).default([]).describe('Who may sell access to models here.'),
})

/**
 * The configuration file. Unknown members of our own sections are faults. The sections that other gateways' files
 * carry are read as they are; what this version does not act on is named in a warning.
 */
export const ConfigurationFile = z
  .looseObject({
    $schema: z.string().optional().describe('For editors: where the schema of this file is.'),
    version: z
      .int()
      .min(1)
      .max(2)
      .optional()
      .describe(
        'Version of the format: 2. In 1, an empty list of models, keys, tools or providers means all.',
      ),
    legacy_allow_all: z
      .boolean()
      .optional()
      .describe('Empty lists mean all, where no `version` says otherwise.'),
    source_of_truth: z
      .enum(['split', 'config.json'])
      .default('split')
      .describe(
        '`split`: an entry overwrites what is stored when it is another than before. `config.json`: always, and what a section that stands here does not name is deleted.',
      ),
    server: server.prefault({}).describe('The listener.'),
    database: z
      .strictObject({
        url: z
          .string()
          .min(1)
          .meta({ allowed: '`sqlite:<path>` or `postgres://<user>:<password>@<host>/<name>`' })
          .default('sqlite:<data>/tollgate.db')
          .describe('Where facts and usage are kept; `<data>` stands for the data directory.'),
      })
      .prefault({})
      .describe('The database.'),
    counters: z
      .strictObject({
        url: z
          .string()
          .min(1)
          .meta({ allowed: '`memory:`' })
          .default('memory:')
          .describe('Where counters live. Only `memory:` is built so far.'),
        on_outage: z
          .enum(['local', 'refuse'])
          .default('local')
          .describe('What holds while shared counters are away. Has no effect yet.'),
      })
      .prefault({})
      .describe('Where limits are counted.'),
    ledger: ledger.prefault({}).describe('How usage is kept.'),
    limits: z
      .strictObject({
        default_output_cap: z
          .int()
          .min(1)
          .default(4096)
          .describe('Output tokens that a strict limit grants to a caller who names no cap.'),
      })
      .prefault({})
      .describe('What limits assume.'),
    security: z
      .strictObject({
        master_key: secret
          .optional()
          .describe(
            'Seals secrets and peppers digests: 32 random bytes, say from `openssl rand -base64 32`. Required with Postgres; on SQLite made in the data directory where it is left out.',
          ),
        admin_keys: z
          .array(AdminKey)
          .default([])
          .describe("The operator's keys besides those made by `tollgate`."),
      })
      .prefault({})
      .describe('Keys to the installation.'),
    network: z
      .strictObject({
        allow_private: z
          .array(network)
          .default([])
          .describe('What targets entered over the API may reach besides public addresses.'),
        origins: z
          .record(url, url)
          .default({})
          .describe('Sends what is meant for one origin to another, after all validation.'),
      })
      .prefault({})
      .describe('The way out.'),
    frontier: frontier.prefault({}).describe('Model access for applications, in workspaces.'),
    client: ClientSection.optional().describe('Switches of the native API.'),
    providers: z
      .record(providerName, ProviderSection)
      .optional()
      .describe('Who serves models to virtual keys, by name.'),
    governance: GovernanceSection.optional().describe(
      'Customers, teams and virtual keys, what they may use, and how much.',
    ),
    mcp: z
      .looseObject({
        client_configs: z
          .array(NewMcpClient)
          .optional()
          .describe('Servers of tools. Kept; not connected to yet.'),
        tool_manager_config: z
          .record(z.string(), z.unknown())
          .optional()
          .describe('Read past: nothing here acts on it yet.'),
      })
      .optional()
      .describe('Tools of MCP servers.'),
    auth_config: AuthSection.optional().describe('An older place of `governance.auth_config`.'),
  })
  .meta({ title: 'Tollgate configuration file' })

export type ConfigurationFile = z.output<typeof ConfigurationFile>
/** Sections of other gateways' shape: what they have that is not known here is a warning, and null is as good as absent. */
export const looseSections: readonly string[] = ['client', 'providers', 'governance', 'mcp', 'auth_config']

/** Sections that no other gateway has. */
export const ownSections: readonly string[] = [
  'server',
  'database',
  'counters',
  'ledger',
  'limits',
  'security',
  'network',
  'frontier',
]

export type WorkspaceSection = ConfigurationFile['frontier']['workspaces'][number]

const unread = 'is read past: this version does not act on it'

/** Sections of other gateways' files, and what the operator should know of each. */
export const foreignSections: ReadonlyMap<string, string> = new Map([
  ['config_store', 'is read past: database.url says where facts are kept'],
  ['encryption_key', 'is read past: security.master_key seals secrets'],
  [
    'framework',
    "is read past: prices are the bundled catalogue's, and those of governance.pricing_overrides",
  ],
  ['guardrails_config', unread],
  ['load_balancer_config', unread],
  ['logs_store', unread],
  ['plugins', unread],
  ['proxy_config', unread],
  ['vector_store', unread],
  ['webhooks', unread],
  ['websocket', unread],
])
