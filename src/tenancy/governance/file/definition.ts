import type { EpochMs } from '../../../domain/time.ts'
import type { GivenRule } from '../../../rules/validate.ts'
import type { ClientConfig, ModelScope, OwnerKind } from '../facts.ts'
import type { AuthSettings } from '../logins/auth.ts'
import type { PricingOverrideInput } from '../prices/pricing-overrides.ts'
import type { NewMcpClient } from '../providers/mcp-clients.ts'
import type { KeyChange } from '../providers/provider-keys.ts'

// What the configuration file says of customers, teams, virtual keys and what they may use. A section that is null does
// not stand in the file, and nothing is done about it.

export interface GovernanceFile {
  /** Whether the sections that there are say all there is: what they do not name goes, and what was changed is undone. */
  readonly isSourceOfTruth: boolean
  readonly client: ClientConfig | null
  readonly auth: AuthSettings | null
  readonly providers: readonly ProviderDefinition[] | null
  readonly mcpClients: readonly NewMcpClient[] | null
  readonly customers: readonly CustomerDefinition[] | null
  readonly teams: readonly TeamDefinition[] | null
  readonly virtualKeys: readonly VirtualKeyDefinition[] | null
  readonly modelConfigs: readonly ModelConfigDefinition[] | null
  readonly providerLimits: readonly ProviderLimitsDefinition[] | null
  readonly budgets: readonly BudgetDefinition[] | null
  readonly rateLimits: readonly RateLimitDefinition[] | null
  readonly routingRules: readonly RoutingRuleDefinition[] | null
  readonly pricingOverrides: readonly PricingOverrideDefinition[] | null
}

export interface ProviderDefinition {
  readonly name: string
  /** In the wire's names, secrets as they are written: plain, or `env.NAME`. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly keys: readonly ProviderKeyDefinition[]
}

export interface ProviderKeyDefinition extends KeyChange {
  readonly id?: string | undefined
  readonly name: string
  readonly enabled: boolean
}

export interface CustomerDefinition {
  readonly id: string
  readonly name: string
  readonly calendarAligned: boolean
}

export interface TeamDefinition extends CustomerDefinition {
  readonly customerId: string | null
  readonly profile: object
  readonly config: object
  readonly claims: object
}

export interface VirtualKeyDefinition extends CustomerDefinition {
  readonly description: string
  /** Empty: one is made, and kept. */
  readonly value: string
  readonly isActive: boolean
  readonly teamId: string | null
  readonly customerId: string | null
  readonly expiresAt: EpochMs | null
  readonly providerConfigs: readonly ProviderConfigDefinition[]
  readonly mcpConfigs: readonly { readonly clientName: string; readonly tools: readonly string[] }[]
}

export interface ProviderConfigDefinition {
  readonly provider: string
  readonly weight: number | null
  readonly allowedModels: readonly string[]
  readonly blacklistedModels: readonly string[]
  /** Names of the provider's keys, or their `key_id`s; `*` alone: all. */
  readonly keyNames: readonly string[]
}

export interface ModelConfigDefinition {
  readonly id: string
  readonly modelName: string
  readonly provider: string | null
  readonly scope: ModelScope
  readonly scopeId: string | null
  readonly calendarAligned: boolean
}

export interface ProviderLimitsDefinition {
  readonly provider: string
  readonly calendarAligned: boolean
}

/** Whose limit it is; a provider config is that of a virtual key for a provider. */
export type LimitOwner =
  | { readonly kind: Exclude<OwnerKind, 'provider_config'>; readonly id: string }
  | { readonly kind: 'provider_config'; readonly id: string; readonly provider: string }

export interface BudgetDefinition {
  readonly id: string
  readonly owner: LimitOwner
  /** Dollars in decimal text. */
  readonly maxLimit: string
  readonly resetDuration: string
  readonly calendarAligned: boolean
  readonly strict: boolean
}

export interface RateLimitDefinition {
  readonly id: string
  readonly owner: LimitOwner
  readonly tokens: HalfDefinition
  readonly requests: HalfDefinition
  readonly calendarAligned: boolean
  readonly strict: boolean
}

export interface HalfDefinition {
  readonly max: number | null
  readonly resetDuration: string | null
}

export interface RoutingRuleDefinition {
  readonly id: string
  /** Every member that may be left out stands there. The `key_id`s of its targets may be names. */
  readonly rule: GivenRule & { readonly name: string }
}

export interface PricingOverrideDefinition {
  readonly id: string
  readonly override: PricingOverrideInput & { readonly name: string }
}
