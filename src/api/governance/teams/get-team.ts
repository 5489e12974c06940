import { z } from 'zod'
import { fromMemory } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { Team } from '../schemas.ts'
import { visibleTo } from '../visibility.ts'
import { answerTeam } from './answer-team.ts'

export const getTeam = governanceRoute({
  method: 'GET',
  path: '/api/governance/teams/{team_id}',
  operationId: 'getTeam',
  tag: 'Teams',
  summary: 'Gets a team',
  description: 'With its limits, virtual keys and customer.',
  query: z.object({ from_memory: fromMemory }),
  returns: z.object({ team: Team }),
  refuses: { 404: 'There is no such team' },

  async handle({ params: { team_id = '' }, ...visit }) {
    const world = visit.tenancy.snapshot().governance
    const team = visibleTo(visit.principal, world).team(team_id) ? world.team(team_id) : null
    return team === null ? { failure: 'not_found', what: 'team' } : answerTeam(visit, team)
  },
})
