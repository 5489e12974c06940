import type { GovernanceSchema } from './governance-schema.ts'
import type { DurationCells, FirstTokenCells } from './histogram.ts'

/**
 * The tables, as statements see them. Both databases hold the same: text, bigint, JSON as text, times as epoch
 * milliseconds, booleans as 0 and 1. Quantities stand in two columns, `…_whole` and `…_pico`.
 *
 * `revision` on an entity is the installation's revision that last changed it, so that other instances can load
 * what changed since the one they know. Prefixes and domains have their workspace's.
 */
export interface Schema extends GovernanceSchema {
  workspaces: WorkspaceTable
  slug_prefixes: SlugPrefixTable
  workspace_domains: WorkspaceDomainTable
  workspace_keys: WorkspaceKeyTable
  admin_keys: AdminKeyTable
  secrets: SecretTable
  model_environments: ModelEnvironmentTable
  nodes: NodeTable
  grants: GrantTable
  limits: LimitTable
  keys: KeyTable
  endpoints: EndpointTable
  settings: SettingTable
  installation: InstallationTable
  audit_log: AuditTable
  instances: InstanceTable
  rolling_charges: RollingChargeTable
  usage_events: UsageEventTable
  rollups: RollupTable
  open_holds: OpenHoldTable
  spool_progress: SpoolProgressTable

  webhooks: WebhookTable
  waiting_events: WaitingEventsTable
  deliveries: DeliveryTable
  leases: LeaseTable
  attempts: AttemptTable
  refusals: RefusalTable
  refusal_counts: RefusalCountTable
  usage_buckets: UsageBucketTable
  key_uses: KeyUseTable
}

export interface WorkspaceTable {
  id: string
  name: string
  onboarded: number
  created_at: number
  deleted_at: number | null
  revision: number
  /** Digest of the file's entry that last wrote this row; null where an API did. */
  config_hash: string | null
  /** Ed25519, the 32 bytes in base64; null where keys cannot be registered. */
  registration_public_key: string | null
}

export interface SlugPrefixTable {
  prefix: string
  workspace_id: string
}

/** A host name of a workspace's own, in lower case and without a port. */
export interface WorkspaceDomainTable {
  domain: string
  workspace_id: string
}

/** A management credential of one workspace. */
export interface WorkspaceKeyTable {
  id: string
  workspace_id: string
  name: string
  type: string
  digest: string
  created_at: number
  revoked_at: number | null
  revision: number
  config_hash: string | null
}

/** A credential of the operator, for every management API. */
export interface AdminKeyTable {
  id: string
  name: string
  digest: string
  created_at: number
  revoked_at: number | null
  revision: number
  config_hash: string | null
}

/** A provider credential, sealed; targets name it by id. */
export interface SecretTable {
  workspace_id: string
  id: string
  /** Empty once deleted. */
  sealed_value: string
  created_at: number
  updated_at: number
  deleted_at: number | null
  revision: number
  config_hash: string | null
}

/** A model of the workspace's own and one environment that serves it. */
export interface ModelEnvironmentTable {
  workspace_id: string
  model_id: string
  name: string
  base_url: string
  model: string | null
  sealed_api_key: string | null
  region: string | null
  deleted_at: number | null
  revision: number
  config_hash: string | null
}

/** A place in a tree: a group, later also a customer or a team. */
export interface NodeTable {
  id: string
  workspace_id: string
  kind: string
  parent_id: string | null
  root_id: string
  depth: number
  name: string | null
  external_id: string | null
  enforcement: string
  created_at: number
  updated_at: number
  deleted_at: number | null
  revision: number
}

/** Permission of an owner to use a model. `position` keeps the order in which the owner listed them. */
export interface GrantTable {
  owner_kind: string
  owner_id: string
  model: string
  position: number
  revision: number
}

export interface LimitTable {
  id: string
  owner_kind: string
  owner_id: string
  model: string
  position: number
  /** `rate` or `usage`: which list of its API shows it. */
  family: string
  metric: string
  /** `second`, `minute`, `day`. */
  unit: string
  ceiling_whole: number
  ceiling_pico: number
  strict: number
  revision: number
}

export interface KeyTable {
  id: string
  workspace_id: string
  node_id: string | null
  style: string
  prefix: string
  name: string | null
  digest: string
  created_at: number
  revoked_at: number | null
  revision: number
}

export interface EndpointTable {
  id: string
  workspace_id: string
  slug: string
  region: string
  targets: string
  created_at: number
  updated_at: number
  deleted_at: number | null
  revision: number
}

export interface SettingTable {
  key: string
  value: string
}

/** One row, `id` 1: the revision that every management write moves by one. */
export interface InstallationTable {
  id: number
  revision: number
}

export interface AuditTable {
  id: string
  at: number
  workspace_id: string | null
  actor: string
  action: string
  target: string
  details: string
}

export interface InstanceTable {
  id: string
  started_at: number
  heartbeat_at: number
  /** All events of this instance before it are in the database. */
  watermark_at: number
  retired_at: number | null
}

/** What rolling windows were charged by a stretch of the ledger up to `at`. Kept for minutes: it refills them at start. */
export interface RollingChargeTable {
  id: string
  instance_id: string
  at: number
  charges: string
}

/** One billable call, immutable. `id` is the idempotency key that receivers see. */
export interface UsageEventTable {
  id: string
  at: number
  workspace_id: string
  request_id: string
  key_id: string
  key_prefix: string
  node_id: string | null
  external_id: string | null
  model: string
  provider: string
  upstream_model: string
  input_tokens: number
  output_tokens: number
  cache_read_tokens: number
  cache_write_tokens: number
  reasoning_tokens: number
  cost_whole: number
  cost_pico: number
  estimated: number
  streamed: number
  status: number
  latency_ms: number
  first_token_ms: number | null
  metadata: string | null
  /** As in `attempts`, as are the next three. */
  outcome: string
  upstream_status: number | null
  admitted_ms: number
  first_byte_ms: number | null
}

/** What a counter was charged in one period: the durable side of a limit. */
export interface RollupTable {
  counter: string
  generation: number
  starts_at: number
  ends_at: number
  used_whole: number
  used_pico: number
}

/** A strict call that was under way: charged whole if its instance dies. */
export interface OpenHoldTable {
  id: string
  instance_id: string
  at: number
  holds: string
}

export interface SpoolProgressTable {
  segment: string
  instance_id: string
  offset: number
}

/** Where a workspace wants its usage events posted. One that was deleted stays: events may still wait for it. */
export interface WebhookTable {
  workspace_id: string
  url: string
  sealed_secret: string
  /** The secret before the last rotation, which signs too until then. */
  sealed_previous_secret: string | null
  previous_secret_until: number | null
  paused: number
  created_at: number
  updated_at: number
  deleted_at: number | null
  config_hash: string | null
}

/** Events of one workspace that one transaction of the drain stored and that are in no delivery yet. */
export interface WaitingEventsTable {
  workspace_id: string
  /** The instant of the oldest of them. */
  first_at: number
  id: string
  /** How many. */
  events: number
  /** `[at, id]` of each, as JSON. */
  keys: string
}

/** Events that are, or were, posted together. */
export interface DeliveryTable {
  id: string
  workspace_id: string
  /** What receivers know the delivery by; another after each request to deliver it again. */
  request_id: string
  /** `pending`, `delivered`, `dead`, or `queued`: dead, and to be delivered again. */
  state: string
  created_at: number
  /** When it was last found delivered or dead. */
  settled_at: number | null
  /** How many. */
  events: number
  /** What is posted, to the byte; not kept once delivered. */
  body: string | null
  signature: string | null
  /** Since it was last made or queued. */
  attempts: number
  last_status: number | null
  problem: string | null
}

/** Who does what only one instance may do, and until when by the database's clock. */
export interface LeaseTable {
  name: string
  holder: string
  until: number
}

/**
 * An attempt that has ended and left no usage event: the others stand in `usage_events`, with the same facts. `id` is
 * the attempt's, `at` its end; the columns in milliseconds count from the arrival of its call, `latency_ms` before `at`.
 */
export interface AttemptTable {
  id: string
  at: number
  workspace_id: string
  request_id: string
  key_id: string
  node_id: string | null
  model: string
  provider: string
  upstream_model: string
  /** `ok`, `cancelled`, or what went wrong: the words of `Outcome`. */
  outcome: string
  /** Null where the provider sent no head. */
  upstream_status: number | null
  streamed: number
  admitted_ms: number
  first_byte_ms: number | null
  latency_ms: number
}

/** A call that limits refused. The first ten of a key, a model, a limit and a minute are kept; `refusal_counts` has all. */
export interface RefusalTable {
  id: string
  at: number
  workspace_id: string
  request_id: string
  key_id: string
  node_id: string
  model: string
  provider: string
  /** When the last of the refusing limits was to open. */
  opens_at: number
  /** Nothing but attempts under way stood in the way. */
  only_held: number
  /** The refusing limits as they were judged: JSON of `JudgedTuple`s, the one that the caller was told first. */
  judged: string
}

/** How many calls of a key and a model one limit refused in one minute: the limit that their callers were told. */
export interface RefusalCountTable {
  workspace_id: string
  starts_at: number
  key_id: string
  model: string
  counter: string
  node_id: string
  calls: number
}

/** What the calls of 15 minutes come to that have all of the first seven columns in common. */
export interface UsageBucketTable extends DurationCells, FirstTokenCells {
  starts_at: number
  workspace_id: string
  /** Empty where there is none. */
  node_id: string
  key_id: string
  provider: string
  model: string
  /** The words of `Outcome`. */
  outcome: string
  calls: number
  /** Of `calls`: those whose tokens were estimated. */
  estimated_calls: number
  input_tokens: number
  output_tokens: number
  cache_read_tokens: number
  cache_write_tokens: number
  reasoning_tokens: number
  cost_whole: number
  cost_pico: number
}

/** When a key last made a call, a minute late at most. */
export interface KeyUseTable {
  key_id: string
  last_used_at: number
}
