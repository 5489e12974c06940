import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'

export const deleteCustomer = governanceRoute({
  method: 'DELETE',
  path: '/api/governance/customers/{customer_id}',
  operationId: 'deleteCustomer',
  tag: 'Customers',
  summary: 'Deletes a customer',
  description:
    'Its limits and routing rules go with it. Its teams and virtual keys stay, and belong to nobody.',
  returns: z.object({ message: z.string() }),
  refuses: { 404: 'There is no such customer' },

  async handle({ params: { customer_id = '' }, tenancy, operator }) {
    const deleted = await tenancy.deleteCustomer(operator, customer_id)
    return isFailure(deleted) ? deleted : { message: 'Customer deleted successfully' }
  },
})
