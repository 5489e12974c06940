import { eventType, toEvent } from '../../billing/event.ts'
import { isFailure } from '../../domain/failure.ts'
import { pageOf, toPage } from '../paging.ts'
import { parse, route } from '../route.ts'
import { BillingEvent, EventParameters, FirstPage } from './schemas.ts'

export const listEvents = route({
  method: 'GET',
  path: '/v1/gateway/events',
  tag: 'Events',
  summary: 'Lists usage events',
  description:
    'One for each call that used tokens, oldest first. The last minute is held back, and longer what an instance of ' +
    'the gateway has not stored yet, so that nothing can come to stand before what was given already.',
  query: EventParameters,
  returns: pageOf(BillingEvent),
  refuses: { 400: 'No start, a window that ends before it begins, a time, limit or cursor that is none' },

  async handle({ filter, caller: { workspaceId }, billing }) {
    if (filter.cursor !== undefined) {
      return toPage(await billing.continueEvents(workspaceId, filter.cursor), toItem)
    }
    const query = parse(FirstPage, filter)
    if (isFailure(query)) return query
    const page = await billing.listEvents(workspaceId, {
      startAt: query.start_time,
      endAt: query.end_time ?? null,
      limit: query.limit,
      keyPrefixes: query.api_keys,
      externalIds: query.external_entity_ids,
    })
    return toPage(page, toItem)
  },
})

function toItem(row: Parameters<typeof toEvent>[0]) {
  return { type: eventType, ...toEvent(row) } as const
}
