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
