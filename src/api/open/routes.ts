import type { Route } from '../route.ts'
import { isAuthEnabled } from '../session/is-auth-enabled.ts'
import { login } from '../session/login.ts'
import { logout } from '../session/logout.ts'
import { getHealth } from './get-health.ts'
import { getVersion } from './get-version.ts'
import type { OpenVisit } from './route.ts'

/** Every route that needs no credential. */
export const openRoutes: readonly Route<OpenVisit>[] = [isAuthEnabled, login, logout, getVersion, getHealth]
