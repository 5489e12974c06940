import { z } from 'zod'

const names = z.array(z.string().min(1).max(255)).max(1000)
const flag = z.boolean()
const count = (most: number) => z.int().min(0).max(most)

const duration = z
  .union([
    z.string().regex(/^(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))*$/, 'must be a duration such as 5m or 1h30m'),
    z.int().min(0).max(2_592_000_000_000_000),
  ])
  .describe('How long the value before a rotation goes on working: `1h`, or nanoseconds. 0: not at all.')

/** Switches of the native door. Members that this version does not know are kept as they are. */
const clientMembers = {
  drop_excess_requests: flag,
  enable_logging: flag,
  disable_content_logging: flag,
  log_retention_days: z.int().min(1).max(36_500),
  logging_headers: names,
  hidden_request_types: names,
  allowed_origins: names.describe(
    'Origins whose pages may read answers in a browser: `*`, one written out, or one whose first label is `*`.',
  ),
  allowed_headers: names.describe('Headers that such pages may send beyond the usual ones; `*`: any.'),
  header_filter_config: z
    .object({ allowlist: names, denylist: names })
    .partial()
    .describe(
      'Which headers callers may hand on to providers as `x-bf-eh-<name>`, or, if allowed, without the prefix.',
    ),
  enforce_auth_on_inference: flag.describe('Whether calls of models need a virtual key.'),
  allow_direct_keys: flag.describe('Kept and shown; has no effect yet.'),
  max_request_body_size_mb: z.int().min(1).max(1024),
  whitelisted_routes: names.describe(
    'Paths under `/api` that need no credential, exact or, ending in `*`, all that begin so.',
  ),
  required_headers: z
    .union([names, z.record(z.string(), z.string())])
    .describe(
      'Headers without which calls of models are refused: names, or values by name. A value is `*` for any, a text, `env.NAME` for what that variable holds, or a pattern (RE2) of the whole value.',
    ),
  prometheus_labels: names,
  vk_rotation_cooldown: duration,
  mcp_agent_depth: count(1000),
  mcp_tool_execution_timeout: count(86_400),
  mcp_tool_sync_interval: count(525_600),
  mcp_disable_auto_tool_inject: flag,
  async_job_result_ttl: count(31_536_000),
  stream_extra_fields: z
    .enum(['edges', 'all', 'none'])
    .describe('Which chunks of a stream have `extra_fields`.'),
  fallback_on_content_filter: flag.describe(
    'Whether a provider’s verdict on the content moves a call on to its fallbacks.',
  ),
  stream_keepalive_seconds: z
    .number()
    .min(0)
    .max(3600)
    .describe('After how long without anything else to send a stream sends a comment; 0 is never.'),
  routing_chain_max_depth: z.int().min(1).max(100).describe('How many routing rules may follow one another.'),
  disable_db_pings_in_health: flag,
}

const ClientConfig = z.looseObject(clientMembers).partial().meta({ id: 'ClientConfig' })

const nullable = Object.fromEntries(
  Object.entries(clientMembers).map(([name, schema]) => [name, (schema as z.ZodType).nullable()]),
)

export const ClientConfigChange = z
  .looseObject({ ...nullable, enforce_governance_header: flag })
  .partial()
  .meta({
    id: 'ClientConfigChange',
    description: 'What is left out stays as it is; null brings the default back.',
  })

const TokenSettings = z
  .object({
    secret: z.string().describe('For HS256, HS384, HS512.'),
    public_key: z.string().describe('In PEM, for RS256, RS384, RS512.'),
    issuer: z.string().nullable(),
    audience: z.string().nullable(),
    tenant: z.string().nullable().describe('Tokens of any other are refused.'),
    admin_roles: names.describe('Any of these makes a token without `accessKey` an administrator’s.'),
    leeway: z.string().describe('How far clocks may differ: `30s`.'),
    allow_vk_reads: flag.describe('Whether virtual keys may read what is theirs.'),
  })
  .partial()
  .meta({ id: 'TokenSettings' })

export const AuthConfigChange = z
  .object({
    is_enabled: flag,
    admin_username: z.string().max(255),
    admin_password: z.string().max(1024).describe('`<redacted>`, as it is shown, leaves it as it is.'),
    disable_auth_on_inference: flag,
    jwt: TokenSettings.nullable(),
  })
  .partial()
  .meta({ id: 'AuthConfigChange', description: 'What is left out stays as it is.' })

export const AuthConfig = z
  .object({
    is_enabled: flag,
    admin_username: z.string(),
    admin_password: z.string().describe('Never the password.'),
    disable_auth_on_inference: flag,
    jwt: z
      .object({
        secret: z.string().optional(),
        public_key: z.string().optional(),
        issuer: z.string().nullable(),
        audience: z.string().nullable(),
        tenant: z.string().nullable(),
        admin_roles: names,
        leeway: z.string(),
        allow_vk_reads: flag,
      })
      .nullable(),
  })
  .meta({ id: 'AuthConfig' })

export const Configuration = z
  .object({
    client_config: ClientConfig,
    framework_config: z.object({ pricing_url: z.string(), pricing_sync_interval: z.int() }),
    auth_config: AuthConfig.optional().describe('Absent where nobody has configured it: admin keys only.'),
    proxy_config: z.object({ enabled: flag }),
    is_db_connected: flag,
    is_cache_connected: flag,
    is_logs_connected: flag,
    restart_required: z.object({ required: flag }),
  })
  .meta({ id: 'Configuration' })
