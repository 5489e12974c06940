import { z } from 'zod'
import { isFailure } from '../../domain/failure.ts'
import { setupRoute } from '../setup/route.ts'
import { pageWithin } from './page.ts'
import { McpClient } from './schemas.ts'
import { toMcpClient } from './shape.ts'

export const listMcpClients = setupRoute({
  method: 'GET',
  path: '/api/mcp/clients',
  operationId: 'listMcpClients',
  tag: 'MCP',
  summary: 'Lists MCP clients',
  description: 'Servers of tools as they are registered, oldest first, without secrets.',
  query: z.object({
    limit: z.string().optional().describe('25 where it is left out, 100 at most.'),
    offset: z.string().optional().describe('How many to pass over.'),
    search: z.string().optional().describe('Part of a name, in whatever case.'),
    connection_type: z.string().optional().describe('Some, separated by commas.'),
    state: z.string().optional().describe('Some, separated by commas.'),
  }),
  returns: z.object({
    clients: z.array(McpClient),
    count: z.int(),
    total_count: z.int(),
    limit: z.int(),
    offset: z.int(),
  }),
  refuses: {},

  async handle({ filter, tenancy }) {
    const page = pageWithin(filter)
    if (isFailure(page)) return page
    const listed = (text: string | undefined) => (text === undefined || text === '' ? null : text.split(','))
    const [types, states] = [listed(filter.connection_type), listed(filter.state)]
    const search = filter.search?.toLowerCase() ?? ''
    const found = [...tenancy.snapshot().governance.tables.mcpClients.values()]
      .sort((left, right) => left.createdAt - right.createdAt || left.id - right.id)
      .filter(({ name }) => name.toLowerCase().includes(search))
      .filter(({ connectionType }) => types === null || types.includes(connectionType))
      .map(toMcpClient)
      .filter(({ state }) => states === null || states.includes(state))
    const clients = found.slice(page.offset, page.offset + page.limit)
    return { clients, count: clients.length, total_count: found.length, ...page }
  },
})
