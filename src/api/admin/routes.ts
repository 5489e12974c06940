import type { Route } from '../route.ts'
import type { AdminVisit } from './route.ts'
import { getWorkspace } from './workspaces/get-workspace.ts'
import { listWorkspaces } from './workspaces/list-workspaces.ts'

/** Every route of the operator's API. Server and document are made from it. */
export const adminRoutes: readonly Route<AdminVisit>[] = [listWorkspaces, getWorkspace]
