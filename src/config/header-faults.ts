import type { GovernanceFile } from '../tenancy/governance/file/definition.ts'
import { requiredHeadersFault } from '../tenancy/governance/required-headers.ts'
import type { Variable } from '../tenancy/governance/variables.ts'
import type { Fault } from './faults.ts'

/** What is wrong with the headers that a file has callers send: a start refuses it too, once it has a database. */
export async function headerFaults({ client }: GovernanceFile, variable: Variable): Promise<Fault[]> {
  const fault = client === null ? null : await requiredHeadersFault(client, variable)
  return fault === null ? [] : [{ path: `client.${fault.path}`, message: fault.message }]
}
