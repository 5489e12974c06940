import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { Team } from '../schemas.ts'
import { answerTeam } from './answer-team.ts'
import { fromTeam, NewTeam } from './schemas.ts'

export const createTeam = governanceRoute({
  method: 'POST',
  path: '/api/governance/teams',
  operationId: 'createTeam',
  tag: 'Teams',
  summary: 'Creates a team',
  description: 'With its limits. What it may not overrun holds for all its virtual keys together.',
  body: NewTeam,
  returns: z.object({ message: z.string(), team: Team }),
  refuses: {
    400: 'A body that is not valid, or a customer that there is not',
    409: 'The name is taken',
  },

  async handle({ body, ...visit }) {
    const team = await visit.tenancy.createTeam(visit.operator, fromTeam(body))
    if (isFailure(team)) return team
    return { message: 'Team created successfully', ...(await answerTeam(visit, team)) }
  },
})
