import { isFailure } from '../../domain/failure.ts'
import { authenticateOperator } from '../authenticate.ts'
import type { Door } from '../serve.ts'
import { dressAdmin } from './failures.ts'
import type { AdminServices, AdminVisit } from './route.ts'

/** The operator's door: admin keys only. */
export function adminDoor({ tenancy, billing, counters, clock }: AdminServices): Door<AdminVisit> {
  return {
    admit({ header }) {
      const operator = authenticateOperator(tenancy, header('authorization'))
      return isFailure(operator) ? operator : { tenancy, billing, counters, clock, operator }
    },
    dress: dressAdmin,
  }
}
