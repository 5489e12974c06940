import { z } from 'zod'
import { timestamp } from '../../text.ts'

export const Workspace = z
  .object({
    id: z.string(),
    name: z.string(),
    onboarded: z.boolean(),
    slug_prefixes: z.array(z.string()),
    domains: z.array(z.string()),
    in_file: z
      .boolean()
      .describe(
        'The configuration file names it: where its entry there changes, the entry wins at the next start.',
      ),
    created_at: timestamp,
  })
  .meta({ id: 'Workspace' })
