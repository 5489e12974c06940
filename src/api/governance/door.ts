import { isFailure } from '../../domain/failure.ts'
import { dressAdmin } from '../admin/failures.ts'
import type { Entrance } from '../entrance.ts'
import type { Door } from '../serve.ts'
import type { GovernanceServices, GovernanceVisit } from './route.ts'

/** The door of `/api/governance`: administrators, and virtual keys that read. */
export function governanceDoor(services: GovernanceServices, entrance: Entrance): Door<GovernanceVisit> {
  return {
    async admit(knock) {
      const entry = await entrance.admit(knock)
      return isFailure(entry) ? entry : { ...services, ...entry }
    },
    dress: dressAdmin,
  }
}
