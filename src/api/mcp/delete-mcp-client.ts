import { isFailure } from '../../domain/failure.ts'
import { setupRoute } from '../setup/route.ts'
import { Done } from './schemas.ts'

export const deleteMcpClient = setupRoute({
  method: 'DELETE',
  path: '/api/mcp/client/{id}',
  operationId: 'deleteMcpClient',
  tag: 'MCP',
  summary: 'Removes an MCP client',
  description: 'With what virtual keys were allowed of it.',
  returns: Done,
  refuses: { 404: 'There is no such client' },

  async handle({ params: { id = '' }, operator, tenancy }) {
    const deleted = await tenancy.deleteMcpClient(operator, id)
    return isFailure(deleted) ? deleted : { status: 'success', message: 'MCP client removed' }
  },
})
