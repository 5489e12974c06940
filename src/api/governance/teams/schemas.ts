import { z } from 'zod'
import type { TeamInput } from '../../../tenancy/governance/owners/teams.ts'
import { fromLimits, limitChangeMembers, limitMembers } from '../limits/schemas.ts'

const anything = z
  .unknown()
  .optional()
  .meta({
    type: ['object', 'null'],
    description: 'A JSON object of your own, 64 KiB at most. Null empties it.',
  })

const ownMembers = {
  name: z.string().nullish().describe('Unique among teams: 1 to 255 characters.'),
  customer_id: z.string().nullish().describe('Null or empty: of no customer.'),
  profile: anything,
  config: anything,
  claims: anything,
}

export const NewTeam = z.object({ ...ownMembers, ...limitMembers }).meta({
  id: 'NewTeam',
  example: { name: 'ML', budgets: [{ max_limit: 500, reset_duration: '1M', calendar_aligned: true }] },
})

export const TeamChange = z
  .object({ ...ownMembers, ...limitChangeMembers })
  .meta({ id: 'TeamChange', example: { name: 'ML' } })

/** A team as it is sent, as the wish that it is. */
export function fromTeam(body: z.output<typeof TeamChange>): TeamInput {
  const { name, customer_id, profile, config, claims } = body
  return {
    name: name ?? undefined,
    customerId: customer_id,
    profile,
    config,
    claims,
    limits: fromLimits(body),
  }
}
