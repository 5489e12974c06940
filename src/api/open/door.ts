import type { Failure } from '../../domain/failure.ts'
import { dressAdmin } from '../admin/failures.ts'
import type { Door, Knock } from '../serve.ts'
import type { OpenServices, OpenVisit } from './route.ts'

const foreign: Failure = { failure: 'forbidden', what: 'origin', name: '' }

/**
 * The door of what needs no credential: closed to pages of others. Under which name we were asked counts where there is
 * something to read; who logs in shows a password, and probes ask under an address.
 */
export function openDoor(services: OpenServices): Door<OpenVisit> {
  return {
    admit: (knock) => (isFromElsewhere(knock) ? foreign : { ...services, knock }),
    dress: dressAdmin,
  }
}

function isFromElsewhere({ path, method, sender }: Knock): boolean {
  if (path === '/health') return false
  return method === 'GET' || method === 'HEAD' ? sender().isForeign : sender().isCrossOrigin
}
