import { z } from 'zod'
import type { ModelQuery } from './known-models.ts'

/** What both lists of models take. */
export const modelFilter = z.object({
  query: z.string().default('').describe('Part of a name, in whatever case.'),
  provider: z.string().default('').describe('Of this one alone.'),
  keys: z.string().default('').describe('Ids of keys, separated by commas.'),
  limit: z
    .string()
    .regex(/^\d{1,6}$/, 'must be a number')
    .default('5')
    .transform(Number)
    .meta({ type: 'integer', minimum: 1, default: 5, description: 'Models in the answer.' }),
  unfiltered: z.string().default('').describe('`true`: models that no key can be used for as well.'),
})

export function toQuery({ keys, unfiltered, ...rest }: z.output<typeof modelFilter>): ModelQuery {
  return {
    ...rest,
    keys: keys.split(',').filter((key) => key !== ''),
    unfiltered: unfiltered === 'true',
  }
}
