import { z } from 'zod'
import { timestamp } from '../text.ts'

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
