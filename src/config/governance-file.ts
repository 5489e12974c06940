import { isDeepStrictEqual } from 'node:util'
import type { WorkspaceId } from '../domain/ids.ts'
import { parseRfc3339 } from '../domain/time.ts'
import { clientDefaults } from '../tenancy/governance/client/client-config.ts'
import type { ClientConfig } from '../tenancy/governance/facts.ts'
import type { GovernanceFile, ProviderConfigDefinition } from '../tenancy/governance/file/definition.ts'
import type { NewMcpClient } from '../tenancy/governance/providers/mcp-clients.ts'
import { type Environment, resolveValue } from './environment.ts'
import type { Fault, Warning } from './faults.ts'
import { badLimits, governanceFaults, strayReferences } from './governance-faults.ts'
import {
  type AuthSection,
  type ClientSection,
  type GovernanceSection,
  inertSwitches,
} from './governance-section.ts'
import { findLimitOwners, type LimitOwners } from './limit-owners.ts'
import type { ConfigurationFile } from './schema.ts'

/** What the file says of the native API. */
export interface GovernanceSettings {
  readonly workspace: WorkspaceId
  readonly unpricedModels: 'block' | 'allow'
  readonly errorDialect: 'v1.5' | 'v2'
  /** Whether calls need a virtual key where nobody says so. */
  readonly enforceAuthByDefault: boolean
  /** Addresses that stand with keys of providers in the file, and may be private for it. */
  readonly addresses: readonly string[]
  readonly file: GovernanceFile
}

/** What stands in the file in the terms of tenancy; or what is wrong with it. */
export function readGovernance(
  file: ConfigurationFile,
  enforceAuthByDefault: boolean,
  environment: Environment,
): {
  readonly governance: GovernanceSettings
  readonly faults: readonly Fault[]
  readonly warnings: Warning[]
} {
  const section = file.governance ?? emptySection
  const owners = findLimitOwners(section)
  const definition = definitionOf(file, section, owners)
  return {
    governance: {
      workspace: section.workspace as WorkspaceId,
      unpricedModels: section.unpriced_models,
      errorDialect: section.error_dialect,
      enforceAuthByDefault,
      addresses: addressesIn(file, environment),
      file: definition,
    },
    faults: [...governanceFaults(file), ...owners.faults, ...badLimits(definition)],
    warnings: [
      ...owners.warnings,
      ...strayReferences(file),
      ...twicePlaced(file),
      ...unconnected(file),
      ...inert(file),
    ],
  }
}

const emptySection: GovernanceSection = {
  workspace: 'default',
  unpriced_models: 'block',
  error_dialect: 'v1.5',
  allow_custom_vk_values: false,
}

function definitionOf(
  file: ConfigurationFile,
  section: GovernanceSection,
  owners: LimitOwners,
): GovernanceFile {
  const auth = section.auth_config ?? file.auth_config
  const isLimited = new Set(
    [...owners.budgets.values(), ...owners.rateLimits.values()].flatMap(({ owner }) =>
      owner.kind === 'provider' ? [owner.id] : [],
    ),
  )
  return {
    isSourceOfTruth: file.source_of_truth === 'config.json',
    client: file.client ? clientOf(file.client) : null,
    auth: auth ? authOf(auth) : null,
    providers: file.providers ? providersOf(file, file.providers) : null,
    mcpClients: file.mcp?.client_configs?.map(mcpClientOf) ?? null,
    customers: listOf(section.customers, ({ id, name, calendar_aligned }) => ({
      id,
      name,
      calendarAligned: calendar_aligned ?? false,
    })),
    teams: listOf(section.teams, (team) => ({
      id: team.id,
      name: team.name,
      calendarAligned: team.calendar_aligned ?? false,
      customerId: team.customer_id ?? null,
      profile: team.profile ?? {},
      config: team.config ?? {},
      claims: team.claims ?? {},
    })),
    virtualKeys: listOf(section.virtual_keys, (key) => ({
      id: key.id,
      name: key.name,
      calendarAligned: key.calendar_aligned ?? false,
      description: key.description,
      value: key.value,
      isActive: key.is_active,
      teamId: key.team_id ?? null,
      customerId: key.customer_id ?? null,
      expiresAt: key.expires_at === undefined ? null : parseRfc3339(key.expires_at),
      providerConfigs: providerConfigsOf(file, key),
      mcpConfigs: mcpConfigsOf(file, key),
    })),
    modelConfigs: listOf(section.model_configs, (config) => ({
      id: config.id,
      modelName: config.model_name,
      provider: config.provider ?? null,
      scope: config.scope,
      scopeId: config.scope === 'global' ? null : (config.scope_id ?? null),
      calendarAligned: config.calendar_aligned ?? false,
    })),
    // One that limits nothing is as if it did not stand there.
    providerLimits: listOf(
      section.providers?.filter(({ provider }) => isLimited.has(provider)),
      ({ provider, calendar_aligned }) => ({ provider, calendarAligned: calendar_aligned ?? false }),
    ),
    budgets:
      section.budgets?.flatMap((budget) => {
        const owned = owners.budgets.get(budget.id)
        if (owned === undefined) return []
        return [
          {
            id: budget.id,
            owner: owned.owner,
            maxLimit: String(budget.max_limit),
            resetDuration: budget.reset_duration,
            calendarAligned: budget.calendar_aligned ?? owned.isAligned,
            strict: budget.strict ?? false,
          },
        ]
      }) ?? null,
    rateLimits:
      section.rate_limits?.flatMap((limit) => {
        const owned = owners.rateLimits.get(limit.id)
        if (owned === undefined) return []
        return [
          {
            id: limit.id,
            owner: owned.owner,
            tokens: {
              max: limit.token_max_limit ?? null,
              resetDuration: limit.token_reset_duration ?? null,
            },
            requests: {
              max: limit.request_max_limit ?? null,
              resetDuration: limit.request_reset_duration ?? null,
            },
            calendarAligned: limit.calendar_aligned ?? false,
            strict: limit.strict ?? false,
          },
        ]
      }) ?? null,
    routingRules: listOf(section.routing_rules, ({ id, provider, model, ...rule }) => ({
      id,
      rule: {
        name: rule.name,
        description: rule.description,
        enabled: rule.enabled,
        chain_rule: rule.chain_rule,
        cel_expression: rule.cel_expression,
        targets:
          rule.targets.length > 0 || !(provider || model) ? rule.targets : [{ provider, model, weight: 1 }],
        fallbacks: rule.fallbacks,
        scope: rule.scope,
        scope_id: rule.scope === 'global' ? null : (rule.scope_id ?? null),
        priority: rule.priority,
        query: rule.query ?? null,
      },
    })),
    pricingOverrides: listOf(section.pricing_overrides, (override) => ({
      id: override.id,
      override: {
        name: override.name,
        scopeKind: override.scope_kind,
        virtualKeyId: override.virtual_key_id ?? null,
        providerId: override.provider_id ?? null,
        providerKeyId: override.provider_key_id ?? null,
        matchType: override.match_type,
        pattern: override.pattern,
        requestTypes: override.request_types,
        patch: patchOf(override),
      },
    })),
  }
}

function listOf<Entry, Definition>(
  entries: readonly Entry[] | undefined,
  toDefinition: (entry: Entry) => Definition,
): readonly Definition[] | null {
  return entries?.map(toDefinition) ?? null
}

function clientOf({ enforce_governance_header, ...client }: ClientSection): ClientConfig {
  const enforced = client.enforce_auth_on_inference ?? enforce_governance_header
  const members = Object.entries({ ...client, enforce_auth_on_inference: enforced })
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}

/** Logins are asked for wherever somebody configures how: only a written `false` opens the door. */
function authOf({ is_enabled = true, ...auth }: AuthSection) {
  return { is_enabled, ...auth }
}

/** Before version 2 an empty list had no say. */
function emptyMeansAll({ version, legacy_allow_all }: ConfigurationFile): boolean {
  return version === undefined ? legacy_allow_all === true : version === 1
}

function listAllOr(file: ConfigurationFile, list: readonly string[]): readonly string[] {
  return list.length === 0 && emptyMeansAll(file) ? ['*'] : list
}

type KeySection = NonNullable<GovernanceSection['virtual_keys']>[number]

function providerConfigsOf(file: ConfigurationFile, key: KeySection): ProviderConfigDefinition[] {
  const { provider_configs } = key
  if (provider_configs.length === 0 && emptyMeansAll(file)) {
    return Object.keys(file.providers ?? {}).map((provider) => ({
      provider,
      weight: 1,
      allowedModels: ['*'],
      blacklistedModels: [],
      keyNames: ['*'],
    }))
  }
  return provider_configs.map((config) => ({
    provider: config.provider,
    weight: config.weight ?? null,
    allowedModels: listAllOr(file, config.allowed_models),
    blacklistedModels: config.blacklisted_models,
    keyNames: listAllOr(file, config.key_ids),
  }))
}

function mcpConfigsOf(file: ConfigurationFile, { mcp_configs }: KeySection) {
  if (mcp_configs.length === 0 && emptyMeansAll(file)) {
    return (file.mcp?.client_configs ?? []).map(({ name }) => ({ clientName: name, tools: ['*'] }))
  }
  return mcp_configs.map(({ mcp_client_name, tools_to_execute }) => ({
    clientName: mcp_client_name,
    tools: listAllOr(file, tools_to_execute),
  }))
}

function providersOf(file: ConfigurationFile, providers: NonNullable<ConfigurationFile['providers']>) {
  return Object.entries(providers).map(([name, { keys, ...settings }]) => ({
    name,
    settings,
    keys: keys.map((key) => ({
      ...key,
      enabled: key.enabled ?? true,
      ...(key.models && { models: listAllOr(file, key.models) }),
    })),
  }))
}

type McpSection = NonNullable<NonNullable<ConfigurationFile['mcp']>['client_configs']>[number]

function mcpClientOf(client: McpSection): NewMcpClient {
  const { client_id, name, connection_type, connection_string, headers, oauth_config, ...settings } = client
  const { client_secret, ...oauth } = oauth_config ?? {}
  return {
    clientId: client_id,
    name,
    connectionType: connection_type,
    connectionString: connection_string ?? null,
    headers,
    oauthClientSecret: client_secret,
    settings: { ...settings, ...(oauth_config && { oauth_config: oauth }) },
  }
}

type OverrideSection = NonNullable<GovernanceSection['pricing_overrides']>[number]

/** Prices as texts of their numbers, which are read exactly. */
function patchOf({ patch, pricing_patch }: OverrideSection): Record<string, string> {
  const given: unknown = patch ?? (pricing_patch === undefined ? {} : JSON.parse(pricing_patch))
  return Object.fromEntries(Object.entries(given as object).map(([name, price]) => [name, String(price)]))
}

const addressMembers = [
  ['azure_key_config', 'endpoint'],
  ['vllm_key_config', 'url'],
  ['ollama_key_config', 'url'],
  ['sgl_key_config', 'url'],
] as const

function addressesIn({ providers = {} }: ConfigurationFile, environment: Environment): string[] {
  const written = Object.values(providers).flatMap(({ keys }) =>
    keys.flatMap((key) =>
      addressMembers.map(([block, member]) => (key[block] as Record<string, unknown> | undefined)?.[member]),
    ),
  )
  return written.flatMap((text) => (typeof text === 'string' ? (resolveValue(text, environment) ?? []) : []))
}

function twicePlaced({ governance, auth_config }: ConfigurationFile): Warning[] {
  return governance?.auth_config && auth_config
    ? [{ path: 'auth_config', message: 'is ignored: governance.auth_config says it' }]
    : []
}

/** Switches that are set to something else than what holds anyway, and that nothing acts on. */
function inert({ client }: ConfigurationFile): Warning[] {
  return inertSwitches
    .filter((name) => client?.[name] !== undefined && !isDeepStrictEqual(client[name], clientDefaults[name]))
    .map((name) => ({ path: `client.${name}`, message: 'is kept and shown: it has no effect yet' }))
}

function unconnected({ mcp }: ConfigurationFile): Warning[] {
  return (mcp?.client_configs ?? []).length > 0
    ? [{ path: 'mcp.client_configs', message: 'is kept and shown: no server of tools is connected to yet' }]
    : []
}
