import { openRoutes } from '../open/routes.ts'
import type { Route } from '../route.ts'
import { setupRoutes } from '../setup/routes.ts'
import { createCustomer } from './customers/create-customer.ts'
import { deleteCustomer } from './customers/delete-customer.ts'
import { getCustomer } from './customers/get-customer.ts'
import { listCustomers } from './customers/list-customers.ts'
import { updateCustomer } from './customers/update-customer.ts'
import { endOverride } from './limits/end-override.ts'
import { listBudgets } from './limits/list-budgets.ts'
import { listRateLimits } from './limits/list-rate-limits.ts'
import { overrideBudget } from './limits/override-budget.ts'
import { resetBudget } from './limits/reset-budget.ts'
import { policyRoutes } from './policy-routes.ts'
import type { GovernanceVisit } from './route.ts'
import { createTeam } from './teams/create-team.ts'
import { deleteTeam } from './teams/delete-team.ts'
import { getTeam } from './teams/get-team.ts'
import { listTeams } from './teams/list-teams.ts'
import { updateTeam } from './teams/update-team.ts'
import { createVirtualKey } from './virtual-keys/create-virtual-key.ts'
import { deleteVirtualKey } from './virtual-keys/delete-virtual-key.ts'
import { getQuota } from './virtual-keys/get-quota.ts'
import { getVirtualKey } from './virtual-keys/get-virtual-key.ts'
import { listVirtualKeys } from './virtual-keys/list-virtual-keys.ts'
import { rotateVirtualKey } from './virtual-keys/rotate-virtual-key.ts'
import { rotateVirtualKeys } from './virtual-keys/rotate-virtual-keys.ts'
import { updateVirtualKey } from './virtual-keys/update-virtual-key.ts'

/** Every route under `/api/governance`, and what clients know under paths beside it. Server and document are made from it. */
export const governanceRoutes: readonly Route<GovernanceVisit>[] = [
  listCustomers,
  createCustomer,
  getCustomer,
  updateCustomer,
  deleteCustomer,
  listTeams,
  createTeam,
  getTeam,
  updateTeam,
  deleteTeam,
  listVirtualKeys,
  createVirtualKey,
  rotateVirtualKeys,
  getVirtualKey,
  updateVirtualKey,
  deleteVirtualKey,
  rotateVirtualKey,
  listBudgets,
  listRateLimits,
  resetBudget,
  overrideBudget,
  endOverride,
  ...policyRoutes,
]

/** What virtual keys ask of themselves, at a door of their own. */
export const virtualKeyRoutes: readonly Route<GovernanceVisit>[] = [getQuota]

/** All that the document of the governance API describes, at whatever door. */
export const allGovernanceRoutes: readonly Route<never>[] = [
  ...governanceRoutes,
  ...virtualKeyRoutes,
  ...setupRoutes,
  ...openRoutes,
]
