import type { TeamFact } from '../../../tenancy/governance/facts.ts'
import type { GovernanceVisit } from '../route.ts'
import { partyShapes } from '../shape.ts'
import { readTree } from '../tree.ts'

/** One team with all that it is shown with. */
export async function answerTeam(visit: GovernanceVisit, team: TeamFact) {
  const tree = await readTree(visit, { teams: [team] })
  return { team: partyShapes(tree).team(team) }
}
