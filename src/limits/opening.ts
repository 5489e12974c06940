import { isZero } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import { one, onePico } from './claim.ts'
import { type Counter, lacksRoom, lacksRoomUnheld, opensAt } from './counter.ts'
import type { Opening, PlanRow } from './plan.ts'
import { heldRetryMs } from './reserve.ts'
import { endOfTime } from './window.ts'

/**
 * When a row that has no room for the smallest call has it, if nothing else happens; null for a row that has room
 * now. The counter was turned to `now`. A strict row with little room left may still refuse a larger call.
 */
export function openingOf(counter: Counter, row: PlanRow, now: EpochMs): Opening | null {
  if (isZero(row.ceiling)) return { at: null, onlyHeld: false }
  const need = row.metric === 'cost' ? onePico : one
  if (!lacksRoom(counter, row.ceiling, need)) return null
  if (!lacksRoomUnheld(counter, row.ceiling, need)) return { at: now + heldRetryMs, onlyHeld: true }
  const opens = opensAt(counter, row.ceiling, need, now)
  return { at: opens < endOfTime ? opens : null, onlyHeld: false }
}
