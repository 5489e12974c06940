import { z } from 'zod'
import type { McpConfigInput } from '../../../tenancy/governance/owners/mcp-configs.ts'
import type { ProviderConfigInput } from '../../../tenancy/governance/owners/provider-configs.ts'
import type { VirtualKeyInput } from '../../../tenancy/governance/owners/virtual-keys.ts'
import { fromLimits, limitChangeMembers, limitMembers } from '../limits/schemas.ts'

const names = z.array(z.string()).nullish()
const models = names.describe('`*` alone: all. None: none.')

const ProviderConfigWish = z
  .object({
    id: z.int().nullish().describe('Of a config of this key, which it changes.'),
    provider: z.string().nullish(),
    weight: z.number().nullish().describe('Null: never chosen by weight.'),
    allowed_models: models,
    blacklisted_models: models.describe('Never, whatever is allowed. `*` alone: all.'),
    key_ids: names.describe("`key_id`s of the provider's keys that may be used. `*` alone: all. None: none."),
    budget: limitMembers.budget,
    budgets: limitMembers.budgets,
    rate_limit: limitMembers.rate_limit,
  })
  .meta({
    id: 'ProviderConfigWish',
    example: { provider: 'openai', weight: 1, allowed_models: ['*'], key_ids: ['*'] },
  })

const McpConfigWish = z
  .object({
    id: z.int().nullish().describe('Of a config of this key, which it changes.'),
    mcp_client_name: z.string().nullish(),
    tools_to_execute: names.describe('`*` alone: all. None: none.'),
  })
  .meta({ id: 'McpConfigWish', example: { mcp_client_name: 'github', tools_to_execute: ['*'] } })

const ownMembers = {
  name: z.string().nullish().describe('Unique among virtual keys: 1 to 255 characters.'),
  description: z.string().nullish(),
  is_active: z.boolean().nullish(),
  team_id: z.string().nullish().describe('Null or empty: in no team. A key is in a team or of a customer.'),
  customer_id: z.string().nullish().describe('Null or empty: of no customer.'),
  provider_configs: z
    .array(ProviderConfigWish)
    .nullish()
    .describe('All that the key is to have. None: it may use no provider.'),
  mcp_configs: z
    .array(McpConfigWish)
    .nullish()
    .describe('All that the key is to have. None: it may use no tool.'),
  expires_at: z.string().nullish().describe('RFC 3339, in the future. Null or empty: never.'),
}

export const NewVirtualKey = z.object({ ...ownMembers, ...limitMembers }).meta({
  id: 'NewVirtualKey',
  example: {
    name: 'app',
    budgets: [{ max_limit: 10, reset_duration: '1d', calendar_aligned: true }],
    rate_limit: { request_max_limit: 60, request_reset_duration: '1m' },
    provider_configs: [{ provider: 'openai', weight: 1, allowed_models: ['*'], key_ids: ['*'] }],
  },
})

export const VirtualKeyChange = z
  .object({ ...ownMembers, ...limitChangeMembers })
  .meta({ id: 'VirtualKeyChange', example: { is_active: false } })

/** A virtual key as it is sent, as the wish that it is. A value that is sent is nobody's wish. */
export function fromVirtualKey(body: z.output<typeof VirtualKeyChange>): VirtualKeyInput {
  return {
    name: body.name ?? undefined,
    description: body.description ?? undefined,
    isActive: body.is_active ?? undefined,
    teamId: body.team_id,
    customerId: body.customer_id,
    providerConfigs: body.provider_configs?.map(fromProviderConfig),
    mcpConfigs: body.mcp_configs?.map(fromMcpConfig),
    expiresAt: body.expires_at,
    limits: fromLimits(body),
  }
}

function fromProviderConfig(config: z.output<typeof ProviderConfigWish>): ProviderConfigInput {
  return {
    id: config.id ?? undefined,
    provider: config.provider ?? undefined,
    weight: config.weight,
    allowedModels: config.allowed_models ?? undefined,
    blacklistedModels: config.blacklisted_models ?? undefined,
    keyIds: config.key_ids ?? undefined,
    limits: fromLimits(config),
  }
}

function fromMcpConfig(config: z.output<typeof McpConfigWish>): McpConfigInput {
  return {
    id: config.id ?? undefined,
    clientName: config.mcp_client_name ?? undefined,
    tools: config.tools_to_execute ?? undefined,
  }
}
