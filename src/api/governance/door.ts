import { isFailure } from '../../domain/failure.ts'
import { dressAdmin } from '../admin/failures.ts'
import { authenticateOperator } from '../authenticate.ts'
import type { Door } from '../serve.ts'
import type { GovernanceServices, GovernanceVisit } from './route.ts'

/** The door of the governance API. */
export function governanceDoor(services: GovernanceServices): Door<GovernanceVisit> {
  return {
    admit({ header }) {
      const operator = authenticateOperator(services.tenancy, header('authorization'))
      if (isFailure(operator)) return operator
      return { ...services, principal: { kind: 'administrator' }, operator }
    },
    dress: dressAdmin,
  }
}
