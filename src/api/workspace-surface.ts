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
}
