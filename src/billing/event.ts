import { toRfc3339 } from '../domain/time.ts'
import type { UsageEventTable } from '../store/schema.ts'

/** What every event says of itself. */
export const eventType = 'API_BILLING_USAGE'

/** A billable call in the form in which it leaves the house, without the caller's metadata. */
export interface BillingEvent {
  readonly idempotencyKey: string
  readonly timestamp: string
  readonly requestId: string
  readonly modelSlug: string
  readonly externalEntityId: string | null
  readonly apiKeyPrefix: string
  readonly tokens: {
    readonly inputTokens: number
    readonly outputTokens: number
    readonly cachedInputTokens: number
  }
}

/** The columns of `usage_events` that an event is made of. */
export const eventColumns = [
  'id',
  'at',
  'request_id',
  'model',
  'external_id',
  'key_prefix',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
] as const

export type EventRow = Pick<UsageEventTable, (typeof eventColumns)[number]>

/** An event as it is pulled. */
export function toEvent(row: EventRow): BillingEvent {
  return { ...membersOf(row), timestamp: toRfc3339(row.at) }
}

/** An event as it is posted, as JSON. The metadata goes through as its caller wrote it, to the byte. */
export function eventText(row: EventRow & Pick<UsageEventTable, 'metadata'>): string {
  const { idempotencyKey, timestamp, requestId, ...rest } = membersOf(row)
  const head = JSON.stringify({ idempotencyKey, timestamp, requestId })
  const tail = JSON.stringify(rest)
  return `${head.slice(0, -1)},"requestMetadata":${row.metadata ?? 'null'},${tail.slice(1)}`
}

/** The body of a delivery of events as `eventText` writes them. */
export function bodyOf(texts: readonly string[]): string {
  return `{"type":"${eventType}","data":{"events":[${texts.join(',')}]}}`
}

function membersOf(row: EventRow): BillingEvent {
  return {
    idempotencyKey: row.id,
    timestamp: new Date(row.at).toISOString(),
    requestId: row.request_id,
    modelSlug: row.model,
    externalEntityId: row.external_id,
    apiKeyPrefix: row.key_prefix,
    tokens: {
      inputTokens: row.input_tokens,
      outputTokens: row.output_tokens,
      cachedInputTokens: row.cache_read_tokens,
    },
  }
}
