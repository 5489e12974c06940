import { z } from 'zod'
import { McpClientChange } from '../../config/mcp-clients.ts'
import { type Failure, isFailure } from '../../domain/failure.ts'
import { setupRoute } from '../setup/route.ts'
import { Done } from './schemas.ts'
import { splitChange } from './split-change.ts'

/** Members that say how a server is connected to. */
const fixed = z.object({
  connection_type: z.unknown().optional(),
  connection_string: z.unknown().optional(),
  stdio_config: z.unknown().optional(),
  auth_type: z.unknown().optional(),
})

export const updateMcpClient = setupRoute({
  method: 'PUT',
  path: '/api/mcp/client/{id}',
  operationId: 'updateMcpClient',
  tag: 'MCP',
  summary: 'Changes an MCP client',
  description: 'What is left out stays as it is. How it is connected to cannot be changed.',
  body: McpClientChange.extend(fixed.shape).meta({ id: 'McpClientUpdate' }),
  returns: Done,
  refuses: {
    400: 'A body that is not valid, or another connection',
    404: 'There is no such client',
    409: 'Another client has this name',
  },

  async handle({ params: { id = '' }, body, operator, tenancy }) {
    const { connection_type, connection_string, stdio_config, auth_type, ...change } = body
    const before = tenancy.snapshot().governance.tables.mcpClients.get(id)
    if (before === undefined) return { failure: 'not_found', what: 'mcp_client' }
    for (const [member, value] of Object.entries({ connection_string, stdio_config, auth_type })) {
      if (value !== undefined) return immutable(member)
    }
    if (connection_type !== undefined && connection_type !== before.connectionType)
      return immutable('connection_type')
    const updated = await tenancy.updateMcpClient(operator, id, {
      ...splitChange(change),
      name: change.name,
    })
    return isFailure(updated) ? updated : { status: 'success', message: 'MCP client updated' }
  },
})

function immutable(member: string): Failure {
  return { failure: 'invalid', message: `${member}: cannot be changed; register another client` }
}
