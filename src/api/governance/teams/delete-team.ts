import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'

export const deleteTeam = governanceRoute({
  method: 'DELETE',
  path: '/api/governance/teams/{team_id}',
  operationId: 'deleteTeam',
  tag: 'Teams',
  summary: 'Deletes a team',
  description: 'Its limits and routing rules go with it. Its virtual keys stay, in no team.',
  returns: z.object({ message: z.string() }),
  refuses: { 404: 'There is no such team' },

  async handle({ params: { team_id = '' }, tenancy, operator }) {
    const deleted = await tenancy.deleteTeam(operator, team_id)
    return isFailure(deleted) ? deleted : { message: 'Team deleted successfully' }
  },
})
