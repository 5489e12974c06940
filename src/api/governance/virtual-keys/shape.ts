import type { z } from 'zod'
import type {
  McpConfigFact,
  OwnedLimits,
  ProviderConfigFact,
  ProviderFact,
  ProviderKeyFact,
  VirtualKeyFact,
} from '../../../tenancy/governance/facts.ts'
import type { GovernanceWorld } from '../../../tenancy/governance/world.ts'
import { alignedOf, type Counted, shownLimits, stampsOf, toTimestamp } from '../limits/shape.ts'
import type { McpConfig, NestedVirtualKey, ProviderConfig } from './schemas.ts'

/** What virtual keys are shown with. */
export interface KeyShaping {
  readonly world: GovernanceWorld
  readonly counted: Counted
  /** As whoever asks may see it. */
  valueOf(key: VirtualKeyFact): string
}

/** A virtual key within its team or customer, and the beginning of one that stands alone. */
export function toNestedKey(key: VirtualKeyFact, shaping: KeyShaping): z.output<typeof NestedVirtualKey> {
  const { world, counted } = shaping
  const limits = shownLimits(key, { kind: 'virtual_key', id: key.id }, counted)
  const { previous, expiresAt, teamId, customerId } = key
  return {
    id: key.id,
    name: key.name,
    value: shaping.valueOf(key),
    ...(key.description === '' ? {} : { description: key.description }),
    is_active: key.isActive,
    provider_configs: key.providerConfigs.map((config) => toProviderConfig(config, shaping)),
    mcp_configs: key.mcpConfigs.map((config) => toMcpConfig(config, key, world)),
    ...(teamId === null ? {} : { team_id: teamId }),
    ...(customerId === null ? {} : { customer_id: customerId }),
    ...limits.budgetId,
    ...limits.rateLimitId,
    ...limits.budget,
    budgets: limits.all,
    ...limits.rateLimit,
    calendar_aligned: alignedOf(key),
    ...(expiresAt === null ? {} : { expires_at: toTimestamp(expiresAt) }),
    ...(previous !== null && counted.now < previous.until
      ? { previous_value_expires_at: toTimestamp(previous.until) }
      : {}),
    ...stampsOf(key),
  }
}

export function toProviderConfig(
  config: ProviderConfigFact,
  { world, counted }: KeyShaping,
): z.output<typeof ProviderConfig> {
  const limits = shownLimits(config, { kind: 'provider_config', id: String(config.id) }, counted)
  const provider = world.provider(config.provider)
  return {
    id: config.id,
    virtual_key_id: config.virtualKeyId,
    provider: config.provider,
    weight: config.weight,
    allowed_models: [...config.allowedModels],
    blacklisted_models: [...config.blacklistedModels],
    allow_all_keys: config.allowAllKeys,
    ...limits.rateLimitId,
    budgets: limits.all,
    ...limits.rateLimit,
    keys: provider === null || config.allowAllKeys ? [] : allowedKeys(provider, config),
  }
}

function allowedKeys(provider: ProviderFact, { keyIds }: ProviderConfigFact) {
  return provider.keys.filter(({ keyId }) => keyIds.includes(keyId)).map((key) => toAllowedKey(key, provider))
}

/** What a key to a provider is: its secrets are not shown, nor where they come from. */
function toAllowedKey(
  key: ProviderKeyFact,
  provider: ProviderFact,
): z.output<typeof ProviderConfig>['keys'][number] {
  return {
    id: key.id,
    name: key.name,
    provider_id: provider.id,
    provider: provider.name,
    key_id: key.keyId,
    value: { value: '', env_var: '', from_env: false },
    models: [...key.models],
    weight: key.weight,
    enabled: key.enabled,
    use_for_batch_api: key.useForBatchApi,
    ...stampsOf(key),
  }
}

function toMcpConfig(
  { id, clientId, tools }: McpConfigFact,
  key: VirtualKeyFact,
  world: GovernanceWorld,
): z.output<typeof McpConfig> {
  return {
    id,
    mcp_client_name: world.mcpClient(clientId)?.name ?? '',
    tools_to_execute: [...tools],
    virtual_key_id: key.id,
    mcp_client_id: clientId,
  }
}

/** All limits that a virtual key is shown with. */
export function limitsShownWith(key: VirtualKeyFact): readonly OwnedLimits[] {
  return [key, ...key.providerConfigs]
}
