import type { z } from 'zod'
import type { McpClientChange } from '../../config/mcp-clients.ts'
import type { McpClientChange as Change } from '../../tenancy/governance/providers/mcp-clients.ts'

/** Takes the secrets out of a change, which are kept apart. */
export function splitChange({
  name: _name,
  headers,
  oauth_config,
  ...settings
}: z.output<typeof McpClientChange>): Omit<Change, 'name'> {
  const { client_secret, ...oauth } = oauth_config ?? {}
  return {
    headers,
    oauthClientSecret: oauth_config === null ? null : client_secret,
    settings: {
      ...settings,
      ...(oauth_config === undefined ? {} : { oauth_config: oauth_config && oauth }),
    },
  }
}
