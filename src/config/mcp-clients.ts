import { z } from 'zod'
import { EnvText } from './providers.ts'

// What a server of tools may say, in the configuration file and over the API.

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
    client_id: z.string().optional().describe('Of this gateway, at the server.'),
    client_secret: EnvText.optional().describe('With it.'),
    authorize_url: z.string().optional().describe('Where people agree.'),
    token_url: z.string().optional().describe('Where tokens come from.'),
    registration_url: z.string().optional().describe('Where clients register.'),
    scopes: texts.optional().describe('What tokens are for.'),
  })
  .nullable()

const settings = {
  per_user_header_keys: texts.describe('Headers that each user brings.'),
  tools_to_execute: texts.describe('`*` alone: all.'),
  tools_to_auto_execute: texts.describe('Those that run without being confirmed.'),
  is_code_mode_client: z.boolean().describe('Its tools are called by code.'),
  is_ping_available: z.boolean().describe('It answers pings.'),
  tool_sync_interval: z
    .int()
    .min(-1)
    .max(525_600)
    .describe('How often its tools are listed anew, in minutes.'),
  tool_execution_timeout: z.int().min(0).max(86_400).describe('How long a tool may take, in seconds.'),
  allow_by_default: z.boolean().describe('Virtual keys that say nothing may use it.'),
  allow_on_all_virtual_keys: z.boolean().describe('All virtual keys may use it.'),
  allowed_extra_headers: texts
    .refine((names) => !names.includes('*') || names.length === 1, "'*' stands alone")
    .describe('Headers of callers that reach it; `*` alone: all.'),
  needs_session_stickiness: z.boolean().describe('One session stays with one server.'),
  disabled: z.boolean().describe('It is not used.'),
  tls_config: z
    .object({
      insecure_skip_verify: z.boolean().describe('Its certificate is not checked.'),
      ca_cert_pem: z.string().describe('Certificates that are trusted besides the usual, in PEM.'),
    })
    .partial()
    .nullable()
    .describe('How it is trusted.'),
  tool_pricing: z.record(z.string(), z.number().min(0)).describe('Dollars per call, by tool.'),
}

const changeable = z
  .object({
    ...settings,
    headers: headers.describe('Sent with each request. Values are secrets.'),
    oauth_config: oauth.describe('How it is entered by OAuth.'),
  })
  .partial()

export const McpClientChange = changeable.extend({ name: name.optional() }).meta({
  id: 'McpClientChange',
  description: 'What is left out stays as it is. How it is connected to never changes.',
})

export const NewMcpClient = changeable
  .extend({
    client_id: z.string().min(1).max(255).optional().describe('Left out: one is made.'),
    name: name.describe('What the client is called; unique.'),
    connection_type: z.enum(['http', 'sse', 'stdio']).describe('How it is reached.'),
    connection_string: EnvText.optional().describe('Where it is, for `http` and `sse`.'),
    stdio_config: z
      .object({
        command: z.string().min(1).max(4096).describe('The program.'),
        args: z.array(z.string().max(4096)).max(1000).default([]).describe('Its arguments.'),
        envs: texts.default([]).describe('Variables that it may see.'),
      })
      .optional()
      .describe('What is run, for `stdio`.'),
    auth_type: z
      .enum(['none', 'headers', 'oauth', 'per_user_oauth', 'per_user_headers'])
      .default('none')
      .describe('How it is entered.'),
  })
  .meta({ id: 'NewMcpClient' })
