import { z } from 'zod'
import { openRoute } from './route.ts'

export const getVersion = openRoute({
  method: 'GET',
  path: '/api/version',
  operationId: 'getVersion',
  tag: 'Status',
  summary: 'Tells the version',
  description: 'Of the gateway, as text.',
  returns: z.string().meta({ example: '0.1.0' }),
  refuses: { 403: 'Asked by a page of another site, or under a name that is not ours' },

  handle: async ({ version }) => version,
})
