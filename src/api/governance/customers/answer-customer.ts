import type { CustomerFact } from '../../../tenancy/governance/facts.ts'
import type { GovernanceVisit } from '../route.ts'
import { partyShapes } from '../shape.ts'
import { readTree } from '../tree.ts'

/** One customer with all that it is shown with. */
export async function answerCustomer(visit: GovernanceVisit, customer: CustomerFact) {
  const tree = await readTree(visit, { customers: [customer] })
  return { customer: partyShapes(tree).customer(customer) }
}
