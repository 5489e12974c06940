import type { z } from 'zod'
import { toRfc3339 } from '../../domain/time.ts'
import type { McpClientFact } from '../../tenancy/governance/facts.ts'
import { redact } from '../../tenancy/governance/providers/redaction.ts'
import type { Secret } from '../../tenancy/sealing/secret.ts'
import type { McpClient } from './schemas.ts'

export function toMcpClient(client: McpClientFact): z.input<typeof McpClient> {
  const { settings, connectionString, envVars, headers, oauthClientSecret } = client
  const { oauth_config: oauth } = settings
  return {
    config: {
      ...settings,
      id: client.id,
      client_id: client.clientId,
      name: client.name,
      connection_type: client.connectionType,
      ...(connectionString === null
        ? {}
        : {
            connection_string: withoutCredentials(shown(connectionString, envVars.connection_string, false)),
          }),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          shown(value, envVars[`headers.${name}`], true),
        ]),
      ),
      ...(oauthClientSecret === null
        ? {}
        : {
            oauth_config: {
              ...(oauth as object | undefined),
              client_secret: shown(oauthClientSecret, envVars.oauth_client_secret, true),
            },
          }),
      created_at: toRfc3339(client.createdAt),
      updated_at: toRfc3339(client.updatedAt),
    },
    tools: [],
    state: settings.disabled === true ? 'disabled' : 'disconnected',
  }
}

function shown(held: Secret | 'sealed', envVar: string | undefined, isSecret: boolean): string {
  if (envVar !== undefined) return `env.${envVar}`
  if (held === 'sealed') return ''
  return isSecret ? redact(held.reveal()) : held.reveal()
}

/** Addresses of servers carry tokens in their query, or as user and password. */
function withoutCredentials(text: string): string {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  const hides = url.search !== '' || url.password !== '' || url.username !== ''
  return hides ? `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?****'}` : text
}
