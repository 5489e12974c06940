import { listAuditLogs } from './audit/list-audit-logs.ts'
import { createEndpoint } from './endpoints/create-endpoint.ts'
import { deleteEndpoint } from './endpoints/delete-endpoint.ts'
import { getEndpoint } from './endpoints/get-endpoint.ts'
import { listEndpoints } from './endpoints/list-endpoints.ts'
import { updateEndpoint } from './endpoints/update-endpoint.ts'
import { listEvents } from './events/list-events.ts'
import { createGroup } from './groups/create-group.ts'
import { deleteGroup } from './groups/delete-group.ts'
import { getGroup } from './groups/get-group.ts'
import { listGroups } from './groups/list-groups.ts'
import { updateGroup } from './groups/update-group.ts'
import { getKey } from './keys/get-key.ts'
import { listKeys } from './keys/list-keys.ts'
import { mintKey } from './keys/mint-key.ts'
import { registerKey } from './keys/register-key.ts'
import { revokeKey } from './keys/revoke-key.ts'
import type { Route } from './route.ts'
import { getGroupUsage } from './usage/get-group-usage.ts'

/** Every route of the gateway's own management API. Server and document are made from it. */
export const routes: readonly Route[] = [
  listGroups,
  createGroup,
  getGroup,
  updateGroup,
  deleteGroup,
  getGroupUsage,
  listKeys,
  mintKey,
  registerKey,
  getKey,
  revokeKey,
  listEndpoints,
  createEndpoint,
  getEndpoint,
  updateEndpoint,
  deleteEndpoint,
  listAuditLogs,
  listEvents,
]
