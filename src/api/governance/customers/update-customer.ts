import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { Customer } from '../schemas.ts'
import { answerCustomer } from './answer-customer.ts'
import { CustomerChange, fromCustomer } from './schemas.ts'

export const updateCustomer = governanceRoute({
  method: 'PUT',
  path: '/api/governance/customers/{customer_id}',
  operationId: 'updateCustomer',
  tag: 'Customers',
  summary: 'Updates a customer',
  description:
    'Members that are left out stay as they are. Budgets and rate limits that stay keep what they have counted.',
  body: CustomerChange,
  returns: z.object({ message: z.string(), customer: Customer }),
  refuses: {
    400: 'A body that is not valid',
    404: 'There is no such customer',
    409: 'The name is taken',
  },

  async handle({ params: { customer_id = '' }, body, ...visit }) {
    const customer = await visit.tenancy.updateCustomer(visit.operator, customer_id, fromCustomer(body))
    if (isFailure(customer)) return customer
    return { message: 'Customer updated successfully', ...(await answerCustomer(visit, customer)) }
  },
})
