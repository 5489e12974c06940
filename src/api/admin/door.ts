import { isFailure } from '../../domain/failure.ts'
import type { Entrance } from '../entrance.ts'
import type { Door } from '../serve.ts'
import { dressAdmin } from './failures.ts'
import type { AdminServices, AdminVisit } from './route.ts'

/** The operator's door: administrators only. */
export function adminDoor(services: AdminServices, entrance: Entrance): Door<AdminVisit> {
  const { tenancy, billing, counters, clock } = services
  return {
    async admit(knock) {
      const entry = await entrance.admitAdministrator(knock)
      return isFailure(entry) ? entry : { tenancy, billing, counters, clock, operator: entry.operator }
    },
    dress: dressAdmin,
  }
}
