import type { Clock } from '../../domain/time.ts'
import type { Tenancy } from '../../tenancy/tenancy.ts'
import type { Entrance } from '../entrance.ts'
import { parseObject } from '../read-json.ts'
import { parse, routesOf } from '../route.ts'
import type { Knock } from '../serve.ts'

/** What routes are served by that ask for no credential, or for one in their body. */
export interface OpenServices {
  readonly tenancy: Tenancy
  readonly clock: Clock
  /** The product's. */
  readonly version: string
  readonly entrance: Entrance
}

export interface OpenVisit extends OpenServices {
  readonly knock: Knock
}

/** Makes a route that needs no credential. */
export const openRoute = routesOf<OpenVisit>(parse, parseObject)
