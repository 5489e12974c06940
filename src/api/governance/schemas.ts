import { z } from 'zod'
import { shownLimits, stampMembers } from './limits/schemas.ts'
import { NestedVirtualKey } from './virtual-keys/schemas.ts'

// Customers hold teams, and teams show their customer: both are here.

const anyObject = z.record(z.string(), z.unknown())

const teamMembers = {
  id: z.string(),
  name: z.string(),
  customer_id: z.string().optional(),
  ...shownLimits,
  virtual_keys: z.array(NestedVirtualKey).describe('Oldest first.'),
  profile: anyObject,
  config: anyObject,
  claims: anyObject,
  calendar_aligned: z.boolean().describe('All its budgets are.'),
  ...stampMembers,
}

const cut = z.object({}).describe('Its customer is what it stands in.')

export const NestedTeam = z.object({ ...teamMembers, customer: cut.optional() }).meta({ id: 'NestedTeam' })

export const Customer = z
  .object({
    id: z.string(),
    name: z.string(),
    ...shownLimits,
    teams: z.array(NestedTeam).describe('Oldest first.'),
    virtual_keys: z.array(NestedVirtualKey).describe('Those that are in none of its teams. Oldest first.'),
    calendar_aligned: z.boolean().describe('All its budgets are.'),
    ...stampMembers,
  })
  .meta({ id: 'Customer', description: 'Who pays.' })

export const Team = z
  .object({ ...teamMembers, customer: Customer.optional() })
  .meta({ id: 'Team', description: 'Some virtual keys under one roof.' })
