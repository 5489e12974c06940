import { z } from 'zod'
import { text } from '../text.ts'

export const ApiKey = z
  .object({ prefix: z.string(), name: z.string().nullable() })
  .meta({ id: 'ApiKey', description: 'All that is ever shown of a key once it was made.' })

export const NewApiKey = z
  .object({ name: text(0, 255).nullish() })
  .meta({ id: 'NewApiKey', example: { name: 'ci' } })

export const MintedApiKey = z
  .object({
    api_key: z.string().describe('The key itself. It is shown here and never again.'),
    prefix: z.string(),
    name: z.string().nullable(),
  })
  .meta({
    id: 'MintedApiKey',
    example: { api_key: 'sky_Jt4mQv8ZnR2c.SECRET', prefix: 'sky_Jt4mQv8ZnR2c', name: 'ci' },
  })

export const RevokedApiKey = z.object({ prefix: z.string() }).meta({ id: 'RevokedApiKey' })

/** Judged by the rules of registration, once its signature is verified. */
export const ForeignApiKey = z
  .object({
    key: z
      .string()
      .meta({ minLength: 32, maxLength: 128, pattern: '^[!-~]+$' })
      .describe(
        'The key as its holder has it, of at least 3 bits of entropy per character. Never shown again.',
      ),
    name: text(0, 255).nullish(),
  })
  .meta({ id: 'ForeignApiKey' })

export const RegisteredApiKey = z.object({ ok: z.literal(true) }).meta({ id: 'RegisteredApiKey' })
