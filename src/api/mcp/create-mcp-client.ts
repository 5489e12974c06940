import { NewMcpClient } from '../../config/mcp-clients.ts'
import { type Failure, isFailure } from '../../domain/failure.ts'
import { variableIn } from '../../tenancy/governance/routing/variables.ts'
import { type SetupVisit, setupRoute } from '../setup/route.ts'
import { Done } from './schemas.ts'
import { splitChange } from './split-change.ts'

const needsSomebody: Failure = {
  failure: 'forbidden',
  what: 'scope',
  name: '',
  message:
    'Only an administrator who has said who they are may register a server that is run here, or that is not public',
}

export const createMcpClient = setupRoute({
  method: 'POST',
  path: '/api/mcp/client',
  operationId: 'createMcpClient',
  tag: 'MCP',
  summary: 'Registers an MCP client',
  description: 'A server of tools. It is stored, and not connected to yet.',
  body: NewMcpClient,
  returns: Done,
  refuses: { 400: 'A body that is not valid', 409: 'A client has this name, or this id' },

  async handle({ body, operator, tenancy, ...visit }) {
    const { client_id, name, connection_type, connection_string, stdio_config, auth_type, ...change } = body
    const fault = badConnection(connection_type, connection_string, stdio_config)
    if (fault !== null) return fault
    if (auth_type === 'per_user_headers' && (change.per_user_header_keys ?? []).length === 0)
      return invalid('per_user_header_keys', 'is required where auth_type is per_user_headers')
    if (!(await mayRegister(visit, connection_string))) return needsSomebody
    const { settings, ...secrets } = splitChange(change)
    const created = await tenancy.createMcpClient(operator, {
      clientId: client_id,
      name,
      connectionType: connection_type,
      connectionString: connection_string ?? null,
      ...secrets,
      settings: { ...settings, auth_type, stdio_config },
    })
    return isFailure(created) ? created : { status: 'success', message: 'MCP client registered' }
  },
})

function badConnection(
  type: string,
  connection: string | undefined,
  stdio: object | undefined,
): Failure | null {
  if (type === 'stdio') return stdio === undefined ? invalid('stdio_config', 'is required') : null
  if (stdio !== undefined) return invalid('stdio_config', 'is for stdio alone')
  if (connection === undefined || connection === '') return invalid('connection_string', 'is required')
  return variableIn(connection) !== null || hostOf(connection) !== null
    ? null
    : invalid('connection_string', 'must be an http or https URL')
}

/** What is run here, or stands where only we can reach it, would be reached by whoever may register it. */
async function mayRegister(
  { principal, isPublicHost }: Pick<SetupVisit, 'principal' | 'isPublicHost'>,
  connection: string | undefined,
): Promise<boolean> {
  if (principal.kind === 'administrator' && principal.isAuthenticated) return true
  const host = connection === undefined ? null : hostOf(connection)
  return host !== null && isPublicHost(host)
}

function hostOf(url: string): string | null {
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(url).hostname : null
}

function invalid(member: string, message: string): Failure {
  return { failure: 'invalid', message: `${member}: ${message}` }
}
