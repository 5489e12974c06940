import { z } from 'zod'
import { EnvText } from '../../config/providers.ts'
import { timestamp } from '../text.ts'

const texts = z.array(z.string().min(1).max(255)).max(1000)
const headers = z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}$/), EnvText)

const name = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_.]{0,62}$/,
    'must be ASCII letters, digits, _ and ., not beginning with a digit',
  )

const oauth = z
  .object({
    client_id: z.string().optional(),
    client_secret: EnvText.optional(),
    authorize_url: z.string().optional(),
    token_url: z.string().optional(),
    registration_url: z.string().optional(),
    scopes: texts.optional(),
  })
  .nullable()

const settings = {
  per_user_header_keys: texts,
  tools_to_execute: texts.describe('`*` alone: all.'),
  tools_to_auto_execute: texts,
  is_code_mode_client: z.boolean(),
  is_ping_available: z.boolean(),
  tool_sync_interval: z.int().min(-1).max(525_600),
  tool_execution_timeout: z.int().min(0).max(86_400),
  allow_by_default: z.boolean(),
  allow_on_all_virtual_keys: z.boolean(),
  allowed_extra_headers: texts.refine(
    (names) => !names.includes('*') || names.length === 1,
    "'*' stands alone",
  ),
  needs_session_stickiness: z.boolean(),
  disabled: z.boolean(),
  tls_config: z.object({ insecure_skip_verify: z.boolean(), ca_cert_pem: z.string() }).partial().nullable(),
  tool_pricing: z.record(z.string(), z.number().min(0)),
}

const changeable = z.object({ ...settings, headers, oauth_config: oauth }).partial()

export const McpClientChange = changeable.extend({ name: name.optional() }).meta({
  id: 'McpClientChange',
  description: 'What is left out stays as it is. How it is connected to never changes.',
})

export const NewMcpClient = changeable
  .extend({
    client_id: z.string().min(1).max(255).optional(),
    name,
    connection_type: z.enum(['http', 'sse', 'stdio']),
    connection_string: EnvText.optional().describe('Where it is, for `http` and `sse`.'),
    stdio_config: z
      .object({
        command: z.string().min(1).max(4096),
        args: z.array(z.string().max(4096)).max(1000).default([]),
        envs: texts.default([]),
      })
      .optional()
      .describe('What is run, for `stdio`.'),
    auth_type: z.enum(['none', 'headers', 'oauth', 'per_user_oauth', 'per_user_headers']).default('none'),
  })
  .meta({ id: 'NewMcpClient' })

const Config = z
  .looseObject({
    id: z.int(),
    client_id: z.string(),
    name: z.string(),
    connection_type: z.string(),
    connection_string: z.string().optional().describe('Without what could be a credential in it.'),
    headers: z.record(z.string(), z.string()).describe('Values only in part.'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'McpClientConfig' })

export const McpClient = z
  .object({
    config: Config,
    tools: z.array(z.unknown()).describe('Empty: servers of tools are not connected to yet.'),
    state: z.string().describe('`disconnected`, or `disabled`.'),
  })
  .meta({ id: 'McpClient' })

export const Done = z.object({ status: z.string(), message: z.string() }).meta({ id: 'Done' })
