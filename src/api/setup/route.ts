import type { Catalog } from '../../catalog/catalog.ts'
import type { Clock } from '../../domain/time.ts'
import type { Tenancy } from '../../tenancy/tenancy.ts'
import type { Egress } from '../../upstream/egress.ts'
import type { Entry } from '../entrance.ts'
import { parseObject } from '../read-json.ts'
import { parse, routesOf } from '../route.ts'

/** What routes are served by that set the installation up: providers, MCP servers, switches. */
export interface SetupServices {
  readonly tenancy: Tenancy
  readonly clock: Clock
  /** The product's. */
  readonly version: string
  /** The way out, for addresses that are written here. */
  readonly egress: Egress
  /** Whether a host is one that everybody can reach, by all that it resolves to. */
  isPublicHost(host: string): Promise<boolean>
  /** Whether management may be opened to everybody who reaches it. */
  readonly mayStandOpen: boolean
  /** Known models and their prices. */
  catalog(): Catalog
}

export interface SetupVisit extends SetupServices, Entry {}

/** Makes a route that sets the installation up. Members that it does not know are ignored. */
export const setupRoute = routesOf<SetupVisit>(parse, parseObject)
