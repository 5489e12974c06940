import { z } from 'zod'
import { setupRoute } from './route.ts'

export const getInfo = setupRoute({
  method: 'GET',
  path: '/api/info',
  operationId: 'getInfo',
  tag: 'Status',
  summary: 'Tells what is running',
  description: 'The version of the gateway, and what it runs on.',
  returns: z
    .object({ name: z.string(), version: z.string(), runtime: z.string(), platform: z.string() })
    .meta({ id: 'Info' }),
  refuses: {},

  handle: async ({ version }) => ({
    name: 'tollgate',
    version,
    runtime: `node ${process.versions.node}`,
    platform: `${process.platform} ${process.arch}`,
  }),
})
