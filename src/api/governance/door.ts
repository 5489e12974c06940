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
    limit({ principal }, operation) {
      const mayWrite = principal.kind === 'administrator' || operation.startsWith('GET ')
      return mayWrite ? null : { failure: 'forbidden', what: 'write', name: '' }
    },
    misspelt(parameter) {
      const what = parameterNames[parameter] ?? parameter.replace(/_id$/, '').replaceAll('_', ' ')
      return { failure: 'invalid', message: `Invalid ${what} ID encoding` }
    },
    dress: dressAdmin,
  }
}

/** Where the path has a shorter word for it. */
const parameterNames: Readonly<Record<string, string>> = {
  vk_id: 'virtual key',
  mc_id: 'model config',
  rule_id: 'routing rule',
}
