import { z } from 'zod'
import { fromMemory } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { Customer } from '../schemas.ts'
import { visibleTo } from '../visibility.ts'
import { answerCustomer } from './answer-customer.ts'

export const getCustomer = governanceRoute({
  method: 'GET',
  path: '/api/governance/customers/{customer_id}',
  operationId: 'getCustomer',
  tag: 'Customers',
  summary: 'Gets a customer',
  description: 'With its limits, teams and virtual keys.',
  query: z.object({ from_memory: fromMemory }),
  returns: z.object({ customer: Customer }),
  refuses: { 404: 'There is no such customer' },

  async handle({ params: { customer_id = '' }, ...visit }) {
    const world = visit.tenancy.snapshot().governance
    const customer = visibleTo(visit.principal, world).customer(customer_id)
      ? world.customer(customer_id)
      : null
    return customer === null ? { failure: 'not_found', what: 'customer' } : answerCustomer(visit, customer)
  },
})
