import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { Team } from '../schemas.ts'
import { answerTeam } from './answer-team.ts'
import { fromTeam, TeamChange } from './schemas.ts'

export const updateTeam = governanceRoute({
  method: 'PUT',
  path: '/api/governance/teams/{team_id}',
  operationId: 'updateTeam',
  tag: 'Teams',
  summary: 'Updates a team',
  description:
    'Members that are left out stay as they are. Budgets and rate limits that stay keep what they have counted.',
  body: TeamChange,
  returns: z.object({ message: z.string(), team: Team }),
  refuses: {
    400: 'A body that is not valid, or a customer that there is not',
    404: 'There is no such team',
    409: 'The name is taken',
  },

  async handle({ params: { team_id = '' }, body, ...visit }) {
    const team = await visit.tenancy.updateTeam(visit.operator, team_id, fromTeam(body))
    if (isFailure(team)) return team
    return { message: 'Team updated successfully', ...(await answerTeam(visit, team)) }
  },
})
