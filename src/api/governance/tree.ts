import { z } from 'zod'
import type { CustomerFact, OwnedLimits, TeamFact, VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import type { Members } from '../../tenancy/governance/owners/members.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import type { Tenancy } from '../../tenancy/tenancy.ts'
import { readCounted } from './limits/shape.ts'
import type { GovernanceVisit } from './route.ts'
import { type KeyShaping, limitsShownWith } from './virtual-keys/shape.ts'
import { type Visibility, visibleTo } from './visibility.ts'

/** How far an answer goes into what customers, teams and keys hold. */
export type Expansion = (typeof expansions)[number]

const expansions = ['none', 'shallow', 'full'] as const

export const expand = z
  .enum(expansions, { error: `must be one of ${expansions.join(', ')}` })
  .default('full')
  .meta({
    description:
      '`none`: what was asked for, with its limits. `shallow`: and the next level, without what it holds. `full`: the whole tree.',
  })

/** Customers and teams with whatever they are shown with. */
export interface Tree extends Members, KeyShaping {
  readonly expansion: Expansion
}

/** What is shown, and how. */
interface Shown {
  readonly teams?: readonly TeamFact[]
  readonly customers?: readonly CustomerFact[]
  readonly expansion?: Expansion
  /** A list may hide what a single answer shows. */
  readonly isList?: boolean
}

/** Reads all that some teams or customers are shown with. Whoever asks sees nothing that is not theirs. */
export async function readTree(
  { tenancy, counters, clock, principal }: GovernanceVisit,
  { teams = [], customers = [], expansion = 'full', isList = false }: Shown,
): Promise<Tree> {
  const world = tenancy.snapshot().governance
  const visible = visibleTo(principal, world)
  const above = expansion === 'none' ? [] : customersOf(teams, world)
  const members = await readMembers(tenancy, {
    expansion,
    teamIds: teams.map(({ id }) => id),
    customerIds: [...above, ...customers].map(({ id }) => id),
    asCustomers: customers.length > 0,
  })
  const teamsOf = (customerId: string) => members.teamsOf(customerId).filter(({ id }) => visible.team(id))
  const known = [...above, ...customers]
  const below = known.flatMap(({ id }) => teamsOf(id))
  const keys = [
    ...[...teams, ...below].flatMap(({ id }) => members.keysOfTeam(id)),
    ...known.flatMap(({ id }) => members.keysOfCustomer(id)),
  ]
  const owners = new Set<OwnedLimits>([...teams, ...known, ...below, ...keys.flatMap(limitsShownWith)])
  return {
    ...members,
    teamsOf,
    expansion,
    world,
    counted: await readCounted(counters, owners, clock()),
    valueOf: valuesShown(tenancy, visible, isList && world.client.redact_virtual_key_values === true),
  }
}

function customersOf(teams: readonly TeamFact[], world: GovernanceWorld): CustomerFact[] {
  const ids = new Set(teams.flatMap(({ customerId }) => customerId ?? []))
  return [...ids].flatMap((id) => world.customer(id) ?? [])
}

const noMembers: Members = { teamsOf: () => [], keysOfTeam: () => [], keysOfCustomer: () => [] }

interface Wanted {
  readonly expansion: Expansion
  readonly teamIds: readonly string[]
  readonly customerIds: readonly string[]
  /** The next level below a customer is its teams, the one above a team its customer. */
  readonly asCustomers: boolean
}

async function readMembers(
  tenancy: Tenancy,
  { expansion, teamIds, customerIds, asCustomers }: Wanted,
): Promise<Members> {
  if (expansion === 'full') return tenancy.readMembers(customerIds, teamIds)
  if (expansion === 'none' || !asCustomers) return noMembers
  return { ...noMembers, ...(await tenancy.readTeamsOf(customerIds)) }
}

/** How many characters of a value tell which it is. */
const shownCharacters = 10

/** Values as whoever asks may see them. Each is opened once, and only when it is shown. */
export function valuesShown(
  tenancy: Tenancy,
  visible: Visibility,
  redactsAll: boolean,
): (key: VirtualKeyFact) => string {
  const values = new Map<string, string>()
  return (key) => {
    const known = values.get(key.id)
    if (known !== undefined) return known
    const value = tenancy.revealVirtualKey(key) ?? ''
    const isWhole = !redactsAll && visible.showsValueOf(key.id)
    const shown = isWhole ? value : `${value.slice(0, shownCharacters)}…`
    values.set(key.id, shown)
    return shown
  }
}
