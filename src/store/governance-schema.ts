// The tables of customers, teams, virtual keys and what they may use; see `schema.ts` for the conventions.

export interface GovernanceSchema {
  customers: CustomerTable
  teams: TeamTable
  virtual_keys: VirtualKeyTable
  provider_configs: ProviderConfigTable
  mcp_configs: McpConfigTable
  mcp_clients: McpClientTable
  budgets: BudgetTable
  rate_limits: RateLimitTable
  limit_generations: LimitGenerationTable
  limit_adjustments: LimitAdjustmentTable
  limit_overrides: LimitOverrideTable
  model_configs: ModelConfigTable
  provider_limits: ProviderLimitTable
  routing_rules: RoutingRuleTable
  pricing_overrides: PricingOverrideTable
  providers: ProviderTable
  provider_keys: ProviderKeyTable
  governance_settings: GovernanceSettingTable
  sessions: SessionTable
  sequences: SequenceTable
  tombstones: TombstoneTable
  native_calls: NativeCallTable
}

/** Who pays for teams and virtual keys. */
export interface CustomerTable {
  id: string
  name: string
  calendar_aligned: number
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/** Some virtual keys under one roof. */
export interface TeamTable {
  id: string
  name: string
  customer_id: string | null
  calendar_aligned: number
  profile: string
  config: string
  claims: string
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/**
 * A credential of the native door. `digest` finds it; the value itself is sealed, because its owner may read it
 * again.
 */
export interface VirtualKeyTable {
  id: string
  name: string
  description: string
  digest: string
  sealed_value: string
  previous_digest: string | null
  previous_until: number | null
  is_active: number
  team_id: string | null
  customer_id: string | null
  calendar_aligned: number
  expires_at: number | null
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/** What of a provider a virtual key may use. Lists are JSON; `weight` is decimal text. */
export interface ProviderConfigTable {
  id: number
  virtual_key_id: string
  position: number
  provider: string
  weight: string | null
  allowed_models: string
  blacklisted_models: string
  allow_all_keys: number
  key_ids: string
}

/** Which tools of an MCP client a virtual key may use. */
export interface McpConfigTable {
  id: number
  virtual_key_id: string
  position: number
  mcp_client_id: number
  tools: string
}

/** An MCP server. `sealed_connection` is the JSON of its connection string and headers. */
export interface McpClientTable {
  id: number
  client_id: string
  name: string
  connection_type: string
  sealed_connection: string
  settings: string
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/** A ceiling in dollars. Its owner's revision moves with it. */
export interface BudgetTable {
  id: string
  owner_kind: string
  owner_id: string
  max_whole: number
  max_pico: number
  reset_duration: string
  calendar_aligned: number
  strict: number
  generation: number
  starts_at: number
  kept_since: number
  config_hash: string | null
  created_at: number
  updated_at: number
}

/** A ceiling on tokens, on requests, or one on each. */
export interface RateLimitTable {
  id: string
  owner_kind: string
  owner_id: string
  token_max: number | null
  token_duration: string | null
  token_generation: number
  token_starts_at: number
  token_kept_since: number
  request_max: number | null
  request_duration: string | null
  request_generation: number
  request_starts_at: number
  request_kept_since: number
  calendar_aligned: number
  strict: number
  config_hash: string | null
  created_at: number
  updated_at: number
}

/**
 * When a counter's window began anew: another duration, another alignment, or a reset. Generation 0 has no row.
 */
export interface LimitGenerationTable {
  counter: string
  generation: number
  /** The first period; it may have begun before the change. */
  starts_at: number
  ends_at: number
  changed_at: number
  keeps_usage: number
}

/** What an operator added to what a counter counted in one period; mostly less than nothing. */
export interface LimitAdjustmentTable {
  id: string
  counter: string
  generation: number
  starts_at: number
  ends_at: number
  amount_whole: number
  amount_pico: number
  at: number
  actor: string
  revision: number
}

/** Raises a budget for some of its windows, `cycles` null for ever. */
export interface LimitOverrideTable {
  budget_id: string
  amount_whole: number
  amount_pico: number
  starts_at: number
  cycles: number | null
  at: number
  actor: string
}

/** Whose limits hold for a model, everywhere or for one virtual key. */
export interface ModelConfigTable {
  id: string
  model_name: string
  provider: string | null
  scope: string
  scope_id: string | null
  calendar_aligned: number
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/** Whose limits hold for a provider. */
export interface ProviderLimitTable {
  provider: string
  calendar_aligned: number
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/** Sends calls elsewhere than they asked. Targets, fallbacks and query are JSON. */
export interface RoutingRuleTable {
  id: string
  name: string
  description: string
  enabled: number
  chain_rule: number
  cel_expression: string
  targets: string
  fallbacks: string
  scope: string
  scope_id: string | null
  priority: number
  query: string | null
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/** Prices of an operator's own. `patch` is JSON of decimal texts. */
export interface PricingOverrideTable {
  id: string
  name: string
  scope_kind: string
  virtual_key_id: string | null
  provider_id: string | null
  provider_key_id: string | null
  match_type: string
  pattern: string
  request_types: string
  patch: string
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/** Who serves models. `settings` is JSON without secrets, `sealed_secrets` JSON of those. */
export interface ProviderTable {
  id: number
  name: string
  settings: string
  sealed_secrets: string | null
  is_base_url_trusted: number
  config_hash: string | null
  created_at: number
  updated_at: number
  revision: number
}

/** A credential for a provider. Its provider's revision moves with it. */
export interface ProviderKeyTable {
  id: number
  key_id: string
  provider: string
  name: string
  sealed_value: string | null
  env_var: string
  models: string
  blacklisted_models: string
  weight: string
  aliases: string
  enabled: number
  use_for_batch_api: number
  description: string
  status: string
  sealed_cloud: string | null
  config_hash: string | null
  created_at: number
  updated_at: number
}

/** `client_config` and `auth_config`, as JSON. */
export interface GovernanceSettingTable {
  name: string
  value: string
  config_hash: string | null
  updated_at: number
  revision: number
}

/** Somebody who has logged in at `/api/session/login`. */
export interface SessionTable {
  digest: string
  username: string
  created_at: number
  expires_at: number
}

/** The last number that was given out, of the things that have numbers on the wire. */
export interface SequenceTable {
  name: string
  value: number
}

/**
 * What was deleted, so that other instances drop it. An entity of that id with a later revision lives again.
 */
export interface TombstoneTable {
  kind: string
  id: string
  revision: number
}

/**
 * What a usage event of the native door knows beyond the others: who paid, how its attempts went, and what its
 * price rests on.
 */
export interface NativeCallTable {
  id: string
  at: number
  request_id: string
  virtual_key_id: string | null
  team_id: string | null
  customer_id: string | null
  provider_key_id: string | null
  request_type: string
  attempts: string
  parse_errors: number
  priced: number
  cost_estimated: number
  price_terms: string
}
