import { z } from 'zod'
import { requestTypes } from '../domain/request-type.ts'
import { parseResetDuration } from '../limits/duration.ts'
import { workspaceIdRule } from '../tenancy/rules/names.ts'

// The sections `governance` and `client`, as other gateways' files have them. Members that are not known here are left
// out with a warning; `null` is as good as absent.

const flag = z.boolean()
const id = z.string().min(1).max(255)
const name = z.string().min(1).max(255)
const count = z.number().int().max(Number.MAX_SAFE_INTEGER)
const anyObject = z.record(z.string(), z.unknown())
const duration = z
  .string()
  .refine((text) => parseResetDuration(text) !== null)
  .meta({ allowed: 'a duration such as 30s, 5m, 1h30m, 1d, 1w, 1M or 1Y, or `never`' })
const names = z.array(z.string().max(255))

function isJsonObject(text: string): boolean {
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === 'object' && read !== null && !Array.isArray(read)
  } catch {
    return false
  }
}

const budgetOwners = {
  virtual_key_id: id.optional().describe('The virtual key that it limits.'),
  provider_config_id: z
    .union([z.int(), z.string().max(32)])
    .optional()
    .describe('The provider config that it limits: the `id` of one in this file.'),
  team_id: id.optional().describe('The team that it limits.'),
  customer_id: id.optional().describe('The customer that it limits.'),
  model_config_id: id.optional().describe('The model config that it limits.'),
}

const budget = z.looseObject({
  id: id.describe('Names the budget; what it has counted is kept under this id.'),
  max_limit: z.number().describe('Dollars that may be spent in each window.'),
  reset_duration: duration.describe('Length of the window.'),
  calendar_aligned: flag
    .optional()
    .describe('Windows are those of the calendar (UTC); left out: as its owner says.'),
  strict: flag.optional().describe('Refuses what might exceed the budget, not only what comes after.'),
  ...budgetOwners,
})

const rateLimit = z.looseObject({
  id: id.describe('Names the rate limit; what it has counted is kept under this id.'),
  token_max_limit: count.optional().describe('Tokens in each window.'),
  token_reset_duration: duration.optional().describe('Length of the window of tokens.'),
  request_max_limit: count.optional().describe('Requests in each window.'),
  request_reset_duration: duration.optional().describe('Length of the window of requests.'),
  calendar_aligned: flag.optional().describe('Windows are those of the calendar (UTC).'),
  strict: flag.optional().describe('Refuses what might exceed the tokens, not only what comes after.'),
  metric: z
    .enum(['requests', 'tokens'])
    .optional()
    .describe('Says which half is given; the members say the same.'),
})

const limitReferences = {
  budget_id: id.optional().describe('The budget that limits it: the `id` of one in `budgets`.'),
  rate_limit_id: id.optional().describe('The rate limit that limits it: the `id` of one in `rate_limits`.'),
}

const calendarAligned = flag
  .optional()
  .describe('Whether its budgets that do not say it themselves follow the calendar (UTC).')

const customer = z.looseObject({
  id: id.describe('Names the customer.'),
  name: name.describe('Its name for people; unique.'),
  calendar_aligned: calendarAligned,
  ...limitReferences,
})

const team = z.looseObject({
  id: id.describe('Names the team.'),
  name: name.describe('Its name for people; unique.'),
  customer_id: id.optional().describe('The customer that it belongs to.'),
  calendar_aligned: calendarAligned,
  profile: anyObject.optional().describe('Anything, kept as it is.'),
  config: anyObject.optional().describe('Anything, kept as it is.'),
  claims: anyObject.optional().describe('Anything, kept as it is.'),
  ...limitReferences,
})

const providerConfig = z.looseObject({
  id: z
    .union([z.int(), z.string().max(32)])
    .optional()
    .describe('By which a budget of this file may name it.'),
  provider: z.string().max(255).describe('The provider that may be used.'),
  weight: z.number().optional().describe('Share of calls that name no provider; left out: none.'),
  allowed_models: names.default([]).describe('Models that may be used; `*` alone: all.'),
  blacklisted_models: names
    .default([])
    .describe('Models that may not be used all the same; `*` alone: none.'),
  key_ids: names.default([]).describe("Names of the provider's keys that may be used; `*` alone: all."),
  ...limitReferences,
})

const mcpConfig = z.looseObject({
  mcp_client_name: name.describe('The MCP client that may be used.'),
  tools_to_execute: names.default([]).describe('Its tools that may be used; `*` alone: all.'),
})

const virtualKey = z.looseObject({
  id: id.describe('Names the key. One that is stored with this name under another id is the same.'),
  name: name.describe('Its name for people; unique.'),
  value: z
    .string()
    .max(1024)
    .default('')
    .describe('What callers present. Empty: made once and kept. Another value than before is a rotation.'),
  description: z.string().max(4096).default('').describe('For people.'),
  is_active: flag.default(true).describe('`false` refuses all calls of the key.'),
  team_id: id.optional().describe('The team that it belongs to; not beside `customer_id`.'),
  customer_id: id.optional().describe('The customer that it belongs to; not beside `team_id`.'),
  calendar_aligned: calendarAligned,
  expires_at: z.iso
    .datetime({ offset: true })
    .meta({ allowed: 'an instant such as 2030-01-01T00:00:00Z' })
    .optional()
    .describe('When it ends; left out: never.'),
  provider_configs: z
    .array(providerConfig)
    .default([])
    .describe('Providers that may be used; an empty list: none.'),
  mcp_configs: z.array(mcpConfig).default([]).describe('MCP tools that may be used; an empty list: none.'),
  ...limitReferences,
})

const modelConfig = z.looseObject({
  id: id.describe('Names the limits of this model.'),
  model_name: name.describe('The model; `*`: every model.'),
  provider: z.string().max(255).optional().describe('Whose model; left out: whoever serves it.'),
  scope: z
    .enum(['global', 'virtual_key'])
    .default('global')
    .describe('For all calls, or for one virtual key.'),
  scope_id: id.optional().describe('The virtual key, where the scope is one.'),
  calendar_aligned: calendarAligned,
  rate_limit_ids: z
    .array(id)
    .max(1)
    .meta({ allowed: 'a list of at most one text: more are not built yet' })
    .optional()
    .describe('The same as `rate_limit_id`.'),
  ...limitReferences,
})

const providerLimits = z.looseObject({
  provider: z.string().min(1).max(255).describe('The provider that is limited, whoever calls.'),
  calendar_aligned: calendarAligned,
  ...limitReferences,
})

const ruleTarget = z.looseObject({
  provider: z.string().max(255).optional().describe('Left out: the provider that was asked for.'),
  model: z.string().max(255).optional().describe('Left out: the model that was asked for.'),
  key_id: z.string().max(255).optional().describe("Name of the provider's key that is to be used."),
  weight: z.number().optional().describe('Share of calls; all shares of a rule make 1.'),
})

const routingRule = z.looseObject({
  id: id.describe('Names the rule.'),
  name: name.describe('Its name for people; unique in its scope.'),
  description: z.string().max(4096).default('').describe('For people.'),
  enabled: flag.default(true).describe('`false`: it never matches.'),
  chain_rule: flag.default(false).describe('Rules are asked again with what this one made of the call.'),
  cel_expression: z.string().default('').describe('When it matches, in CEL; empty: always.'),
  targets: z.array(ruleTarget).default([]).describe('Where calls go that match.'),
  provider: z.string().max(255).optional().describe('An older form of one target.'),
  model: z.string().max(255).optional().describe('An older form of one target.'),
  fallbacks: z
    .array(
      z.union([
        z.string(),
        z.object({ provider: z.string(), model: z.string().optional(), key_id: z.string().optional() }),
      ]),
    )
    .default([])
    .describe('Where they go when that fails, in order: `provider/model` or `provider/`.'),
  scope: z
    .enum(['global', 'team', 'customer', 'virtual_key'])
    .default('global')
    .describe('Whose calls it is asked for.'),
  scope_id: id.optional().describe('The team, customer or virtual key, where the scope is one.'),
  priority: z.int().default(0).describe('Lower is asked first.'),
  query: anyObject.optional().describe('What it was drawn with, kept as it is.'),
})

const pricingOverride = z.looseObject({
  id: id.describe('Names the override.'),
  name: name.describe('Its name for people.'),
  scope_kind: z
    .enum([
      'global',
      'provider',
      'provider_key',
      'virtual_key',
      'virtual_key_provider',
      'virtual_key_provider_key',
    ])
    .describe('Whose calls it prices.'),
  virtual_key_id: id.optional().describe('The virtual key, where the scope has one.'),
  provider_id: id.optional().describe('The provider, where the scope has one.'),
  provider_key_id: id.optional().describe("Name of the provider's key, where the scope has one."),
  match_type: z.enum(['exact', 'wildcard']).describe('How `pattern` is compared with the model.'),
  pattern: name.describe('The model; of a wildcard, its beginning and `*`.'),
  request_types: z.array(z.enum(requestTypes)).describe('Kinds of calls that it prices.'),
  patch: z
    .record(z.string(), z.number())
    .optional()
    .describe("Dollars per unit, by the catalogue's names; what is left out stays as the catalogue has it."),
  pricing_patch: z
    .string()
    .refine(isJsonObject)
    .meta({ allowed: 'an object, as a text of JSON' })
    .optional()
    .describe('The same as a text of JSON.'),
})

/** Whose tokens stand for virtual keys and for administrators. */
const jwt = z.looseObject({
  secret: z.string().min(1).optional().describe('Verifies tokens of the HS family.'),
  public_key: z.string().min(1).optional().describe('Verifies tokens of the RS family: a public key in PEM.'),
  issuer: z.string().optional().describe('Who must have issued them.'),
  audience: z.string().optional().describe('For whom they must be.'),
  tenant: z.string().optional().describe('The tenant that they must name.'),
  admin_roles: z.array(z.string()).optional().describe('Roles that administrate; left out: `admin`.'),
  leeway: z
    .string()
    .optional()
    .describe('By how much clocks may differ, from `0s` to `5m`; left out: `30s`.'),
  allow_vk_reads: flag.optional().describe('Virtual keys may read what is theirs at `/api`; left out: true.'),
})

export const AuthSection = z.looseObject({
  is_enabled: flag
    .optional()
    .describe(
      'Logins with user name and password. `false` opens `/api` to everybody, so it needs a `server.host` on loopback, or `--insecure`.',
    ),
  admin_username: z.string().optional().describe('The user name.'),
  admin_password: z.string().optional().describe('The password.'),
  disable_auth_on_inference: flag.optional().describe('Model calls need no login all the same.'),
  jwt: jwt.optional().describe('Tokens that are believed.'),
})

export const GovernanceSection = z.looseObject({
  workspace: z
    .string()
    .refine(workspaceIdRule.holds)
    .meta({ allowed: workspaceIdRule.allowed })
    .default('default')
    .describe('The workspace that usage of virtual keys belongs to.'),
  unpriced_models: z
    .enum(['block', 'allow'])
    .default('block')
    .describe(
      'What becomes of calls that a budget in dollars would charge and whose model has no known price: refused, or free.',
    ),
  error_dialect: z.enum(['v1.5', 'v2']).default('v1.5').describe('Which generation of names refusals have.'),
  allow_custom_vk_values: flag
    .default(false)
    .describe('Values of virtual keys in this file may begin otherwise than with `sk-bf-`.'),
  auth_config: AuthSection.optional().describe(
    'How people come in at `/api`. Left out: with admin keys only.',
  ),
  customers: z.array(customer).optional().describe('Who pays.'),
  teams: z.array(team).optional().describe('Virtual keys under one roof.'),
  budgets: z.array(budget).optional().describe('Ceilings in dollars; each belongs to one owner.'),
  rate_limits: z
    .array(rateLimit)
    .optional()
    .describe('Ceilings in tokens and requests; each belongs to one owner.'),
  virtual_keys: z
    .array(virtualKey)
    .optional()
    .describe('Credentials of the native API, and what they may use.'),
  model_configs: z.array(modelConfig).optional().describe('Limits of models.'),
  providers: z.array(providerLimits).optional().describe('Limits of providers.'),
  routing_rules: z
    .array(routingRule)
    .optional()
    .describe('Where calls go instead. One that cannot hold is left out with a warning.'),
  pricing_overrides: z.array(pricingOverride).optional().describe("Prices over the catalogue's."),
})

/** What is read, stored and shown, and changes nothing. */
const kept = <Schema extends z.ZodType>(schema: Schema) =>
  schema.optional().describe('Kept and shown; has no effect yet.')

export const ClientSection = z.looseObject({
  enforce_auth_on_inference: flag
    .optional()
    .describe(
      "Model calls of the native API need a virtual key. Left out: true, and false in another gateway's file. `false` needs a `server.host` on loopback, or `--insecure`.",
    ),
  enforce_governance_header: flag.optional().describe('An older name of `enforce_auth_on_inference`.'),
  required_headers: z
    .union([names, z.record(z.string(), z.string())])
    .optional()
    .describe(
      "Headers that calls must have; 400 without. A list of names, or values by name: `*` for any, a text, `env.NAME`, or a pattern in RE2's language of the whole value.",
    ),
  vk_rotation_cooldown: z
    .union([z.string(), z.number()])
    .optional()
    .describe(
      'How long the value before a rotation goes on: a duration, or nanoseconds; left out: not at all.',
    ),
  routing_chain_max_depth: z
    .int()
    .min(1)
    .optional()
    .describe('How often rules may send a call on; left out: 10.'),
  whitelisted_routes: names
    .optional()
    .describe('Routes that need no credential; `*` at the end: all that begin so.'),
  max_request_body_size_mb: z.number().positive().optional().describe('Largest body of a model call, in MB.'),
  redact_virtual_key_values: flag
    .optional()
    .describe('Lists show only the beginning of the values of virtual keys.'),
  stream_extra_fields: z
    .enum(['edges', 'all', 'none'])
    .optional()
    .describe(
      'Which chunks of a stream have `extra_fields`: the first and the last, all, or none; left out: edges.',
    ),
  fallback_on_content_filter: flag
    .optional()
    .describe("A provider's verdict on the content moves the call on to its fallbacks, too."),
  stream_keepalive_seconds: z
    .number()
    .min(0)
    .max(3600)
    .optional()
    .describe(
      'After how long without anything else to send a stream sends a comment; left out: 15, and 0 is never.',
    ),
  allowed_origins: names
    .optional()
    .describe(
      'Origins whose pages may read answers in a browser: `*`, one written out, or one whose first label is `*`; left out: `*`. Only those that are named send cookies.',
    ),
  allowed_headers: names
    .optional()
    .describe('Headers that such pages may send beyond the usual ones; `*`: any.'),
  header_filter_config: z
    .object({
      allowlist: names
        .optional()
        .describe('The only ones that pass; left out or empty: all but the denied ones.'),
      denylist: names.optional().describe('Those that never pass.'),
    })
    .optional()
    .describe(
      'Which headers callers may hand on to providers as `x-bf-eh-<name>`; `*` at the end: all that begin so. Those of the `allowlist` need no prefix.',
    ),
  allow_direct_keys: kept(flag),
  drop_excess_requests: kept(flag),
  initial_pool_size: kept(z.number()),
  enable_logging: kept(flag),
  disable_content_logging: kept(flag),
  log_retention_days: kept(z.int().min(1)),
  logging_headers: kept(names),
  hidden_request_types: kept(names),
  prometheus_labels: kept(names),
  compat: kept(anyObject),
  mcp_agent_depth: kept(z.int()),
  mcp_tool_execution_timeout: kept(z.int()),
  mcp_tool_sync_interval: kept(z.int()),
  mcp_disable_auto_tool_inject: kept(flag),
  mcp_server_auth_mode: kept(z.string()),
  async_job_result_ttl: kept(z.int()),
  webhook_config: kept(anyObject),
  disable_db_pings_in_health: kept(flag),
})

/** Switches of the native door that nothing acts on yet; to say so is only worth it where they are not what holds anyway. */
export const inertSwitches = [
  'allow_direct_keys',
  'drop_excess_requests',
  'enable_logging',
  'log_retention_days',
  'logging_headers',
  'hidden_request_types',
  'prometheus_labels',
  'compat',
  'mcp_agent_depth',
  'mcp_tool_execution_timeout',
  'mcp_tool_sync_interval',
  'mcp_disable_auto_tool_inject',
  'mcp_server_auth_mode',
  'async_job_result_ttl',
  'webhook_config',
  'disable_db_pings_in_health',
] as const

export type GovernanceSection = z.output<typeof GovernanceSection>
export type ClientSection = z.output<typeof ClientSection>
export type AuthSection = z.output<typeof AuthSection>
