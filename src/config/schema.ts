import { z } from 'zod'
import { parseDuration } from './duration.ts'

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'a duration such as 90s, 15m, 1h or 92d')
  .describe('A duration: digits and one of ms, s, m, h, d, such as 90s or 1h30m.')

const seconds = z.number().positive().max(86_400)
const value = z.string().min(1).describe('The value itself, or env.NAME to take it from the environment.')
const url = z.url({ protocol: /^https?$/ })
const cidr = z.union([z.cidrv4(), z.cidrv6()])

const server = z.strictObject({
  host: z.string().min(1).optional().describe('Address to listen on. Default 127.0.0.1.'),
  port: z.int().min(0).max(65_535).optional().describe('Port to listen on; 0 picks one. Default 8080.'),
  threads: z.int().min(1).optional().describe('Request threads. Only 1 is built so far.'),
  max_request_body_mb: z
    .number()
    .positive()
    .max(1024)
    .default(100)
    .describe('Largest request body, in MB of 2^20 bytes.'),
  max_buffered_mb: z
    .number()
    .positive()
    .default(512)
    .describe('Memory that request bodies may take together.'),
  max_connections: z.int().min(1).default(20_000).describe('Client connections held at once.'),
  body_idle_seconds: seconds.default(60).describe('How long a request body may pause before 408.'),
  drain_seconds: seconds.default(30).describe('How long calls in flight may take to finish at shut-down.'),
  trusted_proxies: z.array(cidr).default([]).describe('Peers whose X-Forwarded-* headers are believed.'),
})

const ledger = z.strictObject({
  durability: z
    .enum(['process', 'strict'])
    .default('process')
    .describe('process: survives the death of the process. strict: survives the loss of power.'),
  node_retire_after: duration
    .default('1h')
    .describe('How long an instance may be silent before it is given up.'),
  retention: z
    .strictObject({
      events: duration.default('92d').describe('How long usage events are kept.'),
      audit: duration.default('400d').describe('How long audit rows are kept.'),
    })
    .prefault({}),
})

const modelEnvironment = z.strictObject({
  base_url: url.describe('Where the model answers, up to and including /v1.'),
  model: z.string().min(1).optional().describe('What the upstream calls the model. Default: the slug.'),
  api_key: value.optional(),
  region: z.string().min(1).optional(),
})

const workspace = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, - and _, at most 63'),
  name: z.string().min(1).max(255).optional(),
  onboarded: z.boolean().default(true),
  slug_prefixes: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._~-]*$/)).default([]),
  api_keys: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(255),
        value,
        type: z.enum([
          'PERSONAL',
          'WORKSPACE_MANAGE_ALL',
          'WORKSPACE_INVOKE',
          'WORKSPACE_EXPORT_METRICS',
          'WORKSPACE_MANAGE_API_KEYS',
        ]),
      }),
    )
    .default([]),
  registration_public_key: z.base64().optional(),
  webhook: z.strictObject({ url, secret: value }).optional(),
  domains: z.array(z.string().min(1)).default([]),
  secrets: z.array(z.strictObject({ id: z.string().min(1).max(255), value })).default([]),
  models: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(255),
        environments: z.record(z.string().min(1).max(255), modelEnvironment),
      }),
    )
    .default([]),
})

const frontier = z.strictObject({
  strict_key_scheme: z
    .boolean()
    .default(false)
    .describe('Accept federated keys only as `Authorization: Api-Key`.'),
  timeouts: z
    .strictObject({
      connect: duration.default('10s'),
      first_byte: duration.default('1200s'),
      stream_idle: duration.default('120s'),
      total: duration.default('1200s'),
    })
    .prefault({}),
  workspaces: z.array(workspace).default([]),
})

/**
 * The configuration file. Unknown members of our own sections are faults. The sections that other gateways' files
 * carry are read as they are; what this version does not act on is named in a warning.
 */
export const ConfigurationFile = z
  .looseObject({
    version: z.int().min(1).max(2).optional(),
    server: server.prefault({}),
    database: z
      .strictObject({ url: value.optional().describe('sqlite:<path> or postgres://…') })
      .prefault({}),
    counters: z
      .strictObject({
        url: z.string().default('memory:').describe('Where counters live. Only memory: is built so far.'),
        on_outage: z.enum(['local', 'refuse']).default('local'),
      })
      .prefault({}),
    ledger: ledger.prefault({}),
    limits: z
      .strictObject({
        default_output_cap: z
          .int()
          .min(1)
          .default(4096)
          .describe('Output tokens a strict limit grants to a caller who names no cap.'),
      })
      .prefault({}),
    security: z
      .strictObject({
        master_key: value.optional(),
        admin_keys: z.array(z.strictObject({ name: z.string().min(1).max(255), value })).default([]),
      })
      .prefault({}),
    network: z
      .strictObject({
        allow_private: z.array(cidr).default([]).describe('What egress may reach besides public addresses.'),
        origins: z
          .record(url, url)
          .default({})
          .describe('Sends what is meant for one origin to another, after all validation.'),
      })
      .prefault({}),
    frontier: frontier.prefault({}),
  })
  .meta({ id: 'TollgateConfiguration', title: 'Tollgate configuration file' })

export type ConfigurationFile = z.output<typeof ConfigurationFile>
export type WorkspaceSection = ConfigurationFile['frontier']['workspaces'][number]

/** Sections that this version reads past without acting on them. */
export const foreignSections: ReadonlySet<string> = new Set([
  '$schema',
  'encryption_key',
  'client',
  'providers',
  'governance',
  'mcp',
  'plugins',
  'config_store',
  'logs_store',
  'vector_store',
  'framework',
  'auth_config',
  'guardrails_config',
  'source_of_truth',
])
