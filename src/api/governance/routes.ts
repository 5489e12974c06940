import { openRoutes } from '../open/routes.ts'
import type { Route } from '../route.ts'
import { setupRoutes } from '../setup/routes.ts'
import type { GovernanceVisit } from './route.ts'

/** Every route under `/api/governance`. Server and document are made from it. */
export const governanceRoutes: readonly Route<GovernanceVisit>[] = []

/** All that the document of the governance API describes, at whatever door. */
export const allGovernanceRoutes: readonly Route<never>[] = [
  ...governanceRoutes,
  ...setupRoutes,
  ...openRoutes,
]
