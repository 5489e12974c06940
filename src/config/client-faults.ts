import { clientFault } from '../tenancy/governance/client/client-faults.ts'
import type { GovernanceFile } from '../tenancy/governance/file/definition.ts'
import type { Variable } from '../tenancy/governance/routing/variables.ts'
import type { Fault } from './faults.ts'

/** What is wrong with the switches of the native door in a file: a start refuses it too, once it has a database. */
export async function clientFaults({ client }: GovernanceFile, variable: Variable): Promise<Fault[]> {
  const fault = client === null ? null : await clientFault(client, variable)
  return fault === null ? [] : [{ path: `client.${fault.path}`, message: fault.message }]
}
