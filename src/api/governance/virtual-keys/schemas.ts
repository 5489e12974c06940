import { z } from 'zod'
import { timestamp } from '../../text.ts'
import { Budget, shownLimits, stampMembers } from '../limits/schemas.ts'

const models = z.array(z.string()).describe('`*` alone: all.')

/** A provider's key where a virtual key names it: what it is, never its secrets. */
const AllowedKey = z
  .object({
    id: z.int(),
    name: z.string(),
    provider_id: z.int(),
    provider: z.string(),
    key_id: z.string(),
    value: z
      .object({ value: z.string(), env_var: z.string(), from_env: z.boolean() })
      .describe('Never shown here.'),
    models,
    weight: z.number(),
    enabled: z.boolean(),
    use_for_batch_api: z.boolean(),
    ...stampMembers,
  })
  .meta({ id: 'AllowedKey' })

export const ProviderConfig = z
  .object({
    id: z.int(),
    virtual_key_id: z.string(),
    provider: z.string(),
    weight: z.number().nullable().describe('Null: never chosen by weight.'),
    allowed_models: models,
    blacklisted_models: models,
    allow_all_keys: z.boolean(),
    rate_limit_id: shownLimits.rate_limit_id,
    budgets: z.array(Budget),
    rate_limit: shownLimits.rate_limit,
    keys: z.array(AllowedKey).describe('None, where all are allowed or none is.'),
  })
  .meta({ id: 'ProviderConfig', description: 'Permission to use a provider.' })

export const McpConfig = z
  .object({
    id: z.int(),
    mcp_client_name: z.string(),
    tools_to_execute: z.array(z.string()).describe('`*` alone: all.'),
    virtual_key_id: z.string(),
    mcp_client_id: z.int(),
  })
  .meta({ id: 'McpConfig', description: 'Permission to use tools of an MCP client.' })

/** A virtual key within its team or customer. */
export const NestedVirtualKey = z
  .object({
    id: z.string(),
    name: z.string(),
    value: z.string().describe('What applications present.'),
    description: z.string().optional(),
    is_active: z.boolean(),
    provider_configs: z.array(ProviderConfig).describe('None: no provider may be used.'),
    mcp_configs: z.array(McpConfig).describe('None: no tool may be used.'),
    team_id: z.string().optional(),
    customer_id: z.string().optional(),
    ...shownLimits,
    budgets: z.array(Budget),
    calendar_aligned: z.boolean(),
    expires_at: timestamp.optional(),
    previous_value_expires_at: timestamp
      .optional()
      .describe('Until when the value before a rotation is good.'),
    ...stampMembers,
  })
  .meta({ id: 'NestedVirtualKey' })
