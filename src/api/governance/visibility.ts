import type { TeamFact, VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import type { Principal } from '../entrance.ts'

/** What somebody may see. */
export interface Visibility {
  /** The key whose subtree it is; null: everything may be seen. */
  readonly key: VirtualKeyFact | null
  /** None but these may be seen; null: all. */
  readonly teamIds: readonly string[] | null
  readonly customerIds: readonly string[] | null
  readonly keyIds: readonly string[] | null
  team(id: string): boolean
  customer(id: string): boolean
  virtualKey(id: string): boolean
  /** Whether a key's value is shown whole. */
  showsValueOf(id: string): boolean
}

/** An administrator sees everything; a virtual key itself, its team, and the customer of either. */
export function visibleTo(principal: Principal, world: GovernanceWorld): Visibility {
  if (principal.kind === 'administrator') return everything
  const { key } = principal
  const team: TeamFact | null = key.teamId === null ? null : world.team(key.teamId)
  const customerId = team?.customerId ?? key.customerId
  const keyIds = [key.id]
  const teamIds = team === null ? [] : [team.id]
  const customerIds = customerId === null ? [] : [customerId]
  return {
    key,
    teamIds,
    customerIds,
    keyIds,
    team: (id) => teamIds.includes(id),
    customer: (id) => customerIds.includes(id),
    virtualKey: (id) => id === key.id,
    showsValueOf: (id) => id === key.id,
  }
}

const everything: Visibility = {
  key: null,
  teamIds: null,
  customerIds: null,
  keyIds: null,
  team: () => true,
  customer: () => true,
  virtualKey: () => true,
  showsValueOf: () => true,
}
