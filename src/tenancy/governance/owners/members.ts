import type { GovernanceContext } from '../context.ts'
import type { TeamFact, VirtualKeyFact } from '../facts.ts'
import { readKeyIdsOf, readTeamIdsOf } from './members.sql.ts'

/** Who belongs to some customers and teams, each oldest first. */
export interface Members {
  teamsOf(customerId: string): readonly TeamFact[]
  keysOfTeam(teamId: string): readonly VirtualKeyFact[]
  /** Those that belong to the customer itself, not to one of its teams. */
  keysOfCustomer(customerId: string): readonly VirtualKeyFact[]
}

export interface MembersRead {
  /** Teams of these customers, and keys of these customers, of those teams, and of `teamIds`. */
  readMembers(customerIds: readonly string[], teamIds: readonly string[]): Promise<Members>
  /** Teams of these customers, and no keys. */
  readTeamsOf(customerIds: readonly string[]): Promise<Pick<Members, 'teamsOf'>>
}

export function membersOf({ read, world }: GovernanceContext): MembersRead {
  const teamsFor = async (customerIds: readonly string[]) => {
    const ids = await readTeamIdsOf(read, [...new Set(customerIds)])
    return present(ids, world().team)
  }

  return {
    async readTeamsOf(customerIds) {
      return { teamsOf: grouped(await teamsFor(customerIds), ({ customerId }) => customerId) }
    },

    async readMembers(customerIds, teamIds) {
      const teams = await teamsFor(customerIds)
      const allTeams = new Set([...teamIds, ...teams.map(({ id }) => id)])
      const ofTeams = await readKeyIdsOf(read, 'team_id', [...allTeams])
      const ofCustomers = await readKeyIdsOf(read, 'customer_id', [...new Set(customerIds)])
      const { virtualKey } = world()
      return {
        teamsOf: grouped(teams, ({ customerId }) => customerId),
        keysOfTeam: grouped(present(ofTeams, virtualKey), ({ teamId }) => teamId),
        keysOfCustomer: grouped(present(ofCustomers, virtualKey), ({ customerId }) => customerId),
      }
    },
  }
}

/** Facts of ids; what another instance has only just written is not there yet. */
export function present<Fact>(ids: readonly string[], find: (id: string) => Fact | null): Fact[] {
  return ids.flatMap((id) => find(id) ?? [])
}

function grouped<Fact>(
  facts: readonly Fact[],
  keyOf: (fact: Fact) => string | null,
): (key: string) => readonly Fact[] {
  const groups = Map.groupBy(facts, keyOf)
  return (key) => groups.get(key) ?? []
}
