import type { z } from 'zod'
import type { DeliveryRow } from '../../../billing/dead-letters.sql.ts'
import { toRfc3339 } from '../../../domain/time.ts'
import type { Delivery } from './schemas.ts'

export function toDelivery(row: DeliveryRow): z.output<typeof Delivery> {
  return {
    id: row.id,
    workspace_id: row.workspace_id,
    request_id: row.request_id,
    state: row.state as z.output<typeof Delivery>['state'],
    events: row.events,
    attempts: row.attempts,
    last_status: row.last_status,
    problem: row.problem,
    created_at: toRfc3339(row.created_at),
    settled_at: row.settled_at === null ? null : toRfc3339(row.settled_at),
  }
}
