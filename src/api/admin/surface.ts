import { z } from 'zod'
import type { Surface } from '../openapi.ts'

/** The operator's API under `/api/admin`. */
export const adminSurface: Surface = {
  description:
    'What the operator does by hand, as the configuration file does it at start: with the same rules, in the same words.',
  tags: [
    { name: 'Workspaces', description: 'Who may sell access to models here.' },
    { name: 'Webhooks', description: 'Where usage events are posted.' },
    { name: 'Deliveries', description: 'What became of them.' },
    { name: 'Dead letters', description: 'Those that failed for good.' },
    { name: 'Workspace keys', description: 'What a lab manages its workspace with.' },
    { name: 'Models', description: "The lab's own models, for targets of provider BASETEN." },
    { name: 'Secrets', description: "Providers' credentials that targets name." },
    { name: 'Admin keys', description: "The operator's own keys." },
    { name: 'Catalogue', description: 'Models and prices.' },
    { name: 'Explain', description: 'Why a call is let in, or is not.' },
  ],
  credentials: {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      description: "An admin key, a session's token, or an administrator's JWT.",
    },
    apiKey: { type: 'apiKey', in: 'header', name: 'Authorization', description: '`Api-Key <admin key>`' },
    admin: {
      type: 'http',
      scheme: 'basic',
      description: 'User name and password, or the user `admin` with an admin key.',
    },
  },
  problem: z
    .object({
      is_bifrost_error: z.boolean(),
      status_code: z.int(),
      error: z.object({ message: z.string() }),
      extra_fields: z.object({}),
    })
    .meta({ id: 'Problem' }),
  refuses: {
    401: 'No credential that opens management',
    403: 'A credential that does not open this, or a page of another site',
    429: 'Too many failed logins',
  },
}
