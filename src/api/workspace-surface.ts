import { z } from 'zod'
import type { Surface } from './openapi.ts'

/** The workspaces' own API under `/v1/gateway`. */
export const workspaceSurface: Surface = {
  description:
    'Management of groups, keys and endpoints. An admin key acts in the workspace that the header ' +
    '`x-tollgate-workspace` names, `default` without it.',
  tags: [
    { name: 'Groups', description: 'Who may call which models, and how much.' },
    { name: 'API keys', description: "Credentials of a group's applications." },
    { name: 'Endpoints', description: 'Where slugs lead.' },
    { name: 'Events', description: 'What was used, to be billed.' },
    { name: 'Audit', description: 'What was done, and by whom.' },
  ],
  credentials: {
    apiKey: {
      type: 'apiKey',
      in: 'header',
      name: 'Authorization',
      description: '`Api-Key <workspace key>`, or an admin key in its place.',
    },
    bearer: { type: 'http', scheme: 'bearer' },
    admin: {
      type: 'http',
      scheme: 'basic',
      description: 'The user `admin`, with an admin key as password.',
    },
  },
  problem: z
    .object({ code: z.string().meta({ example: 'VALIDATION_ERROR' }), message: z.string() })
    .meta({ id: 'Error' }),
  refuses: {
    401: 'No credential, or one that is not valid here',
    403: 'The workspace is not onboarded, or the key may not manage the gateway',
  },
  limits: {
    429: {
      why: 'The key calls this route too often',
      body: z
        .object({ error: z.string(), retry_after: z.int().min(1).describe('Seconds, as in `Retry-After`.') })
        .meta({ id: 'TooManyRequests' }),
    },
  },
}
