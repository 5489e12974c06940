import { z } from 'zod'
import { paging } from '../paging.ts'
import { text, timestamp } from '../text.ts'

const count = z.int().min(0)

export const BillingEvent = z
  .object({
    type: z.enum(['API_BILLING_USAGE']),
    idempotencyKey: z.string().describe('The same each time the event is seen, pulled or posted.'),
    timestamp: timestamp.describe('When the call was settled.'),
    requestId: z.string().describe('As `X-Baseten-Request-Id` told the caller.'),
    modelSlug: z.string(),
    externalEntityId: z.string().nullable().describe("Of the group that owns the call's key."),
    apiKeyPrefix: z.string(),
    tokens: z.object({
      inputTokens: count.describe('Cached ones included.'),
      outputTokens: count,
      cachedInputTokens: count,
    }),
  })
  .meta({ id: 'BillingEvent' })

const instant = 'RFC 3339, in UTC or with an offset.'
const mostValues = 50
const values = 'Repeat the parameter for each value; events of any of them are given.'

/** What may be sent, as the document shows it. With a cursor nothing else is looked at, so all is optional. */
export const EventParameters = z.object({
  start_time: z
    .string()
    .optional()
    .meta({ format: 'date-time', description: `Events from here on. Required without a cursor. ${instant}` }),
  end_time: z
    .string()
    .optional()
    .meta({
      format: 'date-time',
      description: `Events before it. Left out or too late: as late as events cannot arrive any more, at least a minute ago. ${instant}`,
    }),
  limit: z
    .string()
    .optional()
    .meta({ type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'Items of one page.' }),
  api_keys: z
    .array(z.string())
    .optional()
    .meta({ description: `Prefixes of keys. ${values}` }),
  external_entity_ids: z
    .array(z.string())
    .optional()
    .meta({ description: `External ids of groups. ${values}` }),
  cursor: z.string().optional().meta({
    description: 'As the page before gave it. It fixes window, filters and limit: nothing else is looked at.',
  }),
})

/** The same where there is no cursor. */
export const FirstPage = z
  .object({
    start_time: time(),
    end_time: time().optional(),
    limit: paging.limit,
    api_keys: filter(),
    external_entity_ids: filter(),
  })
  .refine(({ start_time, end_time }) => end_time === undefined || end_time > start_time, {
    path: ['end_time'],
    message: 'must be later than start_time',
  })

function filter() {
  return z.array(text(1, 255)).max(mostValues, `must be at most ${mostValues}`).default([])
}

function wordTime({ input }: { readonly input?: unknown }): string {
  return input === undefined ? 'is required' : 'must be a time such as 2026-11-02T08:15:00Z'
}

/** An instant in epoch milliseconds; between two, the later one, since events stand on whole ones. */
function time() {
  return z.iso
    .datetime({ offset: true, error: wordTime })
    .transform((value) => Date.parse(value) + (/\.\d{3}0*[1-9]/.test(value) ? 1 : 0))
}
