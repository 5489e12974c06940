import type { Route } from '../route.ts'
import type { GovernanceVisit } from './route.ts'

/** Every route under `/api/governance`. Server and document are made from it. */
export const governanceRoutes: readonly Route<GovernanceVisit>[] = []
