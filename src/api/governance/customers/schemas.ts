import { z } from 'zod'
import type { CustomerInput } from '../../../tenancy/governance/owners/customers.ts'
import { fromLimits, limitChangeMembers, limitMembers } from '../limits/schemas.ts'

const name = z.string().nullish().describe('Unique among customers: 1 to 255 characters.')

export const NewCustomer = z.object({ name, ...limitMembers }).meta({
  id: 'NewCustomer',
  example: { name: 'Acme', budgets: [{ max_limit: 2000, reset_duration: '1M' }] },
})

export const CustomerChange = z
  .object({ name, ...limitChangeMembers })
  .meta({ id: 'CustomerChange', example: { name: 'Acme' } })

/** A customer as it is sent, as the wish that it is. */
export function fromCustomer(body: z.output<typeof CustomerChange>): CustomerInput {
  return { name: body.name ?? undefined, limits: fromLimits(body) }
}
