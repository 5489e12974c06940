import { isFailure } from '../../domain/failure.ts'
import { dressAdmin } from '../admin/failures.ts'
import type { Entrance } from '../entrance.ts'
import type { Door } from '../serve.ts'
import type { SetupServices, SetupVisit } from './route.ts'

/** The door of what sets the installation up: administrators only. */
export function setupDoor(services: SetupServices, entrance: Entrance): Door<SetupVisit> {
  return {
    async admit(knock) {
      const entry = await entrance.admitAdministrator(knock)
      return isFailure(entry) ? entry : { ...services, ...entry }
    },
    dress: dressAdmin,
  }
}
