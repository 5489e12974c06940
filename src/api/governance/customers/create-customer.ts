import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { Customer } from '../schemas.ts'
import { answerCustomer } from './answer-customer.ts'
import { fromCustomer, NewCustomer } from './schemas.ts'

export const createCustomer = governanceRoute({
  method: 'POST',
  path: '/api/governance/customers',
  operationId: 'createCustomer',
  tag: 'Customers',
  summary: 'Creates a customer',
  description: 'With its limits. What it may not overrun holds for all its teams and virtual keys together.',
  body: NewCustomer,
  returns: z.object({ message: z.string(), customer: Customer }),
  refuses: {
    400: 'A body that is not valid',
    409: 'The name is taken',
  },

  async handle({ body, ...visit }) {
    const customer = await visit.tenancy.createCustomer(visit.operator, fromCustomer(body))
    if (isFailure(customer)) return customer
    return { message: 'Customer created successfully', ...(await answerCustomer(visit, customer)) }
  },
})
