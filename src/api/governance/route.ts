import type { Clock } from '../../domain/time.ts'
import type { CounterStore } from '../../limits/plan.ts'
import type { Tenancy } from '../../tenancy/tenancy.ts'
import type { Entry } from '../entrance.ts'
import { parseExactJson } from '../exact-json.ts'
import { noObject } from '../read-json.ts'
import { type Asked, type ParseWith, parse, routesOf } from '../route.ts'

/** What the governance routes are served by. */
export interface GovernanceServices {
  readonly tenancy: Tenancy
  /** What limits have counted. */
  readonly counters: Pick<CounterStore, 'read'>
  readonly clock: Clock
}

export interface GovernanceVisit extends GovernanceServices, Entry {}

/** What a route of the governance API is handed. */
export type GovernanceRequest = Asked & GovernanceVisit

/** A body that is left out is none, whatever its members would have had to be. */
const parseGoverned: ParseWith = (schema, value) => (value === undefined ? noObject : parse(schema, value))

/** Members that hold money. */
function isMoney(name: string): boolean {
  return name === 'max_limit' || name === 'amount' || name.includes('cost')
}

/** Makes a route of the governance API. Members that it does not know are ignored. */
export const governanceRoute = routesOf<GovernanceVisit>(parseGoverned, (bytes) =>
  parseExactJson(bytes, isMoney),
)
