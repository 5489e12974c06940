import type { Catalog } from '../../catalog/catalog.ts'
import type { Quantity } from '../../domain/quantity.ts'
import type { RequestType } from '../../domain/request-type.ts'
import type { EpochMs } from '../../domain/time.ts'
import type { Secret } from '../sealing/secret.ts'

// Customers, teams and virtual keys, what they may use and how much: the facts of the second public API. They hold all
// that its answers show, so that a page is a list of ids from the database and the rest is read here.

/** Where an entity comes from: null, or the digest of the configuration file's entry that last wrote it. */
interface Stored {
  readonly configHash: string | null
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
}

/** Who can own budgets and a rate limit. A provider's id is its name, a provider config's its number as text. */
export type OwnerKind = 'virtual_key' | 'provider_config' | 'team' | 'customer' | 'model_config' | 'provider'

/** A ceiling in dollars. */
export interface BudgetFact extends Stored {
  readonly id: string
  readonly maxLimit: Quantity
  /** As it was written: `1d`, `daily`, `1h30m`, `never`. */
  readonly resetDuration: string
  readonly calendarAligned: boolean
  readonly strict: boolean
  /** Of its window: begins anew with each change of duration or alignment, and with a reset that restarts it. */
  readonly generation: number
  /** Where the first period of this generation begins. */
  readonly startsAt: EpochMs
  /** The earliest generation whose usage still counts: every change since has kept it. */
  readonly keptSince: number
  readonly override: BudgetOverride | null
}

/** Raises a budget for some of its windows. */
export interface BudgetOverride {
  readonly amount: Quantity
  /** Start of the window in which it was set. */
  readonly startsAt: EpochMs
  /** How many windows it holds, that one included; null: for ever. */
  readonly cycles: number | null
}

/** A ceiling on tokens, on requests, or one on each. */
export interface RateLimitFact extends Stored {
  readonly id: string
  readonly tokens: RateHalf | null
  readonly requests: RateHalf | null
  readonly calendarAligned: boolean
  readonly strict: boolean
}

export interface RateHalf {
  readonly max: number
  readonly resetDuration: string
  /** These three as a budget's. */
  readonly generation: number
  readonly startsAt: EpochMs
  readonly keptSince: number
}

/** What an owner's limits are: budgets by ascending length of their windows, then age. */
export interface OwnedLimits {
  readonly budgets: readonly BudgetFact[]
  readonly rateLimit: RateLimitFact | null
}

type JsonObject = Readonly<Record<string, unknown>>

export interface CustomerFact extends Stored, OwnedLimits {
  readonly id: string
  readonly name: string
  readonly calendarAligned: boolean
}

export interface TeamFact extends Stored, OwnedLimits {
  readonly id: string
  readonly name: string
  readonly customerId: string | null
  readonly calendarAligned: boolean
  readonly profile: JsonObject
  readonly config: JsonObject
  readonly claims: JsonObject
}

export interface VirtualKeyFact extends Stored, OwnedLimits {
  readonly id: string
  readonly name: string
  readonly description: string
  /** Finds the key by the value that callers present. */
  readonly digest: Buffer
  readonly sealedValue: string
  /** The value before a rotation, good until its grace is over. */
  readonly previous: { readonly digest: Buffer; readonly until: EpochMs } | null
  readonly isActive: boolean
  readonly teamId: string | null
  readonly customerId: string | null
  readonly calendarAligned: boolean
  readonly expiresAt: EpochMs | null
  /** Nothing but these may be used: none, no provider. */
  readonly providerConfigs: readonly ProviderConfigFact[]
  readonly mcpConfigs: readonly McpConfigFact[]
}

/** Permission to use a provider. */
export interface ProviderConfigFact extends OwnedLimits {
  readonly id: number
  readonly virtualKeyId: string
  readonly provider: string
  /** Null: never chosen by weight. */
  readonly weight: number | null
  /** `*` alone: all. */
  readonly allowedModels: readonly string[]
  readonly blacklistedModels: readonly string[]
  readonly allowAllKeys: boolean
  /** `key_id`s of the provider's keys that may be used, where not all may. */
  readonly keyIds: readonly string[]
}

/** Permission to use tools of an MCP client. */
export interface McpConfigFact {
  readonly id: number
  readonly clientId: number
  /** `*` alone: all. */
  readonly tools: readonly string[]
}

/** An MCP server as it is registered. */
export interface McpClientFact extends Stored {
  readonly id: number
  readonly clientId: string
  readonly name: string
  readonly connectionType: string
  /** May hold credentials. */
  readonly connectionString: Secret | 'sealed' | null
  readonly headers: Readonly<Record<string, Secret | 'sealed'>>
  readonly oauthClientSecret: Secret | null
  /** The variables that these were taken from, by place: `connection_string`, `headers.X-A`. */
  readonly envVars: Readonly<Record<string, string>>
  readonly settings: JsonObject
}

export type ModelScope = 'global' | 'virtual_key'

/** Limits of a model, everywhere or for one virtual key. */
export interface ModelConfigFact extends Stored, OwnedLimits {
  readonly id: string
  /** `*`: every model. */
  readonly modelName: string
  readonly provider: string | null
  readonly scope: ModelScope
  readonly scopeId: string | null
  readonly calendarAligned: boolean
}

/** Limits of a provider, everywhere. */
export interface ProviderLimitsFact extends Stored, OwnedLimits {
  readonly provider: string
  readonly calendarAligned: boolean
}

export type RuleScope = 'global' | 'team' | 'customer' | 'virtual_key'

export interface RoutingRuleFact extends Stored {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly enabled: boolean
  readonly chainRule: boolean
  readonly celExpression: string
  /** Heaviest first. */
  readonly targets: readonly RuleTargetFact[]
  readonly fallbacks: readonly RuleFallbackFact[]
  readonly scope: RuleScope
  readonly scopeId: string | null
  readonly priority: number
  readonly query: JsonObject | null
}

export interface RuleTargetFact {
  readonly provider: string | null
  readonly model: string | null
  readonly keyId: string | null
  readonly weight: number
}

/** As it was written: `provider/model`, `provider/`, or an object. */
export type RuleFallbackFact =
  | string
  | { readonly provider: string; readonly model?: string; readonly key_id?: string }

export type PriceScope =
  | 'global'
  | 'provider'
  | 'provider_key'
  | 'virtual_key'
  | 'virtual_key_provider'
  | 'virtual_key_provider_key'

export interface PricingOverrideFact extends Stored {
  readonly id: string
  readonly name: string
  readonly scopeKind: PriceScope
  readonly virtualKeyId: string | null
  readonly providerId: string | null
  readonly providerKeyId: string | null
  readonly matchType: 'exact' | 'wildcard'
  readonly pattern: string
  readonly requestTypes: readonly RequestType[]
  /** Dollars per unit in decimal text, by the name of the price. */
  readonly patch: Readonly<Record<string, string>>
}

/** A price sheet of the operator's own, in the place of the one that comes with the product. */
export interface ImportedPrices {
  readonly catalog: Catalog
  readonly importedAt: EpochMs
}

/** Somebody who serves models, and the keys to it. */
export interface ProviderFact extends Stored {
  /** The number by which keys refer to it on the wire. */
  readonly id: number
  readonly name: string
  /** As written, but for its secrets. */
  readonly settings: ProviderSettings
  readonly secrets: ProviderSecrets
  /** Oldest first. */
  readonly keys: readonly ProviderKeyFact[]
}

/** The members of a provider that are its own, in the wire's names; what is absent has the default. */
export interface ProviderSettings {
  readonly network_config?: NetworkConfig
  readonly concurrency_and_buffer_size?: { readonly concurrency: number; readonly buffer_size: number }
  readonly proxy_config?: JsonObject
  readonly send_back_raw_request?: boolean
  readonly send_back_raw_response?: boolean
  readonly store_raw_request_response?: boolean
  readonly custom_provider_config?: CustomProviderConfig | null
  readonly [other: string]: unknown
}

export interface NetworkConfig {
  readonly base_url?: string
  readonly default_request_timeout_in_seconds?: number
  readonly connect_timeout_in_seconds?: number
  readonly first_token_timeout_in_seconds?: number
  readonly stream_idle_timeout_in_seconds?: number
  readonly max_retries?: number
  readonly retry_backoff_initial?: number
  readonly retry_backoff_max?: number
  readonly max_retry_after_in_seconds?: number
  readonly allow_private_network?: boolean
  readonly [other: string]: unknown
}

export interface CustomProviderConfig {
  readonly base_provider_type: string
  readonly is_key_less?: boolean
  /** Absent: everything is allowed; by kind of request, `…_stream` for its streams. */
  readonly allowed_requests?: Readonly<Record<string, boolean>>
  readonly request_path_overrides?: Readonly<Record<string, string>>
  readonly [other: string]: unknown
}

/** What of a provider's settings is secret. */
export interface ProviderSecrets {
  /** Sent to the provider with each request. */
  readonly extraHeaders: Readonly<Record<string, Secret | 'sealed'>>
  readonly proxyPassword: Secret | 'sealed' | null
  /** The base address was written in the configuration file, and so may be private. */
  readonly isBaseUrlTrusted: boolean
  /** The variables that secrets were taken from, by place: `extra_headers.X-A`, `proxy_password`. */
  readonly envVars: Readonly<Record<string, string>>
}

/** A credential for a provider. */
export interface ProviderKeyFact extends Stored {
  readonly id: number
  readonly keyId: string
  readonly provider: string
  /** Unique in the installation. */
  readonly name: string
  /** Null where there is none: the address or a cloud's own credentials suffice. */
  readonly value: Secret | 'sealed' | null
  /** The variable that the value was taken from; empty where it was written out. */
  readonly envVar: string
  readonly models: readonly string[]
  readonly blacklistedModels: readonly string[]
  readonly weight: number
  /** The name of a model by what callers may call it, in lower case. */
  readonly aliases: Readonly<Record<string, string | JsonObject>>
  readonly enabled: boolean
  readonly useForBatchApi: boolean
  readonly description: string
  /** Why it cannot be used; empty where nothing is wrong. */
  readonly status: string
  /** Blocks such as `azure_key_config`, in the wire's names, secrets revealed by whoever sends them. */
  readonly cloud: Secret | 'sealed' | null
  /** The variables that members of those were taken from, by place: `azure_key_config.client_secret`. */
  readonly cloudEnvVars: Readonly<Record<string, string>>
}

/** Switches of the native door. The members of the wire; what is absent has the default. */
export interface ClientConfig {
  readonly enforce_auth_on_inference?: boolean
  readonly required_headers?: readonly string[] | Readonly<Record<string, string>>
  readonly allowed_origins?: readonly string[]
  readonly allowed_headers?: readonly string[]
  readonly header_filter_config?: {
    readonly allowlist?: readonly string[]
    readonly denylist?: readonly string[]
  }
  readonly vk_rotation_cooldown?: string | number
  readonly routing_chain_max_depth?: number
  readonly whitelisted_routes?: readonly string[]
  readonly max_request_body_size_mb?: number
  readonly fallback_on_content_filter?: boolean
  readonly stream_extra_fields?: 'edges' | 'all' | 'none'
  readonly stream_keepalive_seconds?: number
  readonly [other: string]: unknown
}

/** How people come in at `/api`. */
export interface AuthConfig {
  readonly isEnabled: boolean
  readonly adminUsername: string
  /** scrypt, with its salt and cost. */
  readonly adminPasswordHash: string
  readonly disableAuthOnInference: boolean
  /** Null: tokens are not read. */
  readonly jwt: JwtConfig | null
}

/** Whose tokens are believed, and what they may do. */
export interface JwtConfig {
  /** Shared by those who sign by it; or the public half of theirs, in PEM. */
  readonly key: { readonly secret: Secret | 'sealed' } | { readonly publicKey: string }
  readonly issuer: string | null
  readonly audience: string | null
  /** Tokens of any other are refused. */
  readonly tenant: string | null
  /** Any of these roles makes a token an administrator's. */
  readonly adminRoles: readonly string[]
  /** How far the clocks of signer and gateway may differ. */
  readonly leewayMs: number
  /** Whether virtual keys, and tokens that stand for one, may read what is theirs. */
  readonly allowVkReads: boolean
}
