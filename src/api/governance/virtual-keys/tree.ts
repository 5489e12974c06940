import type { OwnedLimits, VirtualKeyFact } from '../../../tenancy/governance/facts.ts'
import type { Members } from '../../../tenancy/governance/owners/members.ts'
import { readCounted } from '../limits/shape.ts'
import type { GovernanceVisit } from '../route.ts'
import { type Expansion, type Tree, valuesShown } from '../tree.ts'
import { visibleTo } from '../visibility.ts'
import { limitsShownWith } from './shape.ts'

interface Shown {
  readonly expansion?: Expansion
  /** A list may hide what a single answer shows. */
  readonly isList?: boolean
}

const noMembers: Members = { teamsOf: () => [], keysOfTeam: () => [], keysOfCustomer: () => [] }

/** Reads all that some virtual keys are shown with. Whoever asks sees nothing that is not theirs. */
export async function readKeyTree(
  { tenancy, counters, clock, principal }: GovernanceVisit,
  keys: readonly VirtualKeyFact[],
  { expansion = 'full', isList = false }: Shown = {},
): Promise<Tree> {
  const world = tenancy.snapshot().governance
  const visible = visibleTo(principal, world)
  const isExpanded = expansion !== 'none'
  const teamIds = new Set(keys.flatMap(({ teamId }) => teamId ?? []))
  const customerIds = new Set(keys.flatMap(({ customerId }) => customerId ?? []))
  const teams = isExpanded ? [...teamIds].flatMap((id) => world.team(id) ?? []) : []
  const customers = isExpanded ? [...customerIds].flatMap((id) => world.customer(id) ?? []) : []
  const members = expansion === 'full' ? await tenancy.readMembers([...customerIds], []) : noMembers
  const teamsOf = (customerId: string) => members.teamsOf(customerId).filter(({ id }) => visible.team(id))
  const owners = new Set<OwnedLimits>([
    ...keys.flatMap(limitsShownWith),
    ...teams,
    ...customers,
    ...customers.flatMap(({ id }) => teamsOf(id)),
    ...customers.flatMap(({ id }) => members.keysOfCustomer(id)).flatMap(limitsShownWith),
  ])
  return {
    // The keys of teams are not part of any of these answers.
    keysOfTeam: noMembers.keysOfTeam,
    keysOfCustomer: members.keysOfCustomer,
    teamsOf,
    expansion,
    world,
    counted: await readCounted(counters, owners, clock()),
    valueOf: valuesShown(tenancy, visible, isList && world.client.redact_virtual_key_values === true),
  }
}
