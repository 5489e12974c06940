import { isFailure } from '../domain/failure.ts'
import { isKnownProvider } from '../providers/table.ts'
import { checkRule } from '../rules/validate.ts'
import type { GovernanceFile } from '../tenancy/governance/file/definition.ts'
import { compilerFor } from '../tenancy/governance/routing/compiled-rules.ts'
import type { Warning } from './faults.ts'

/** Routing rules of a file that a start leaves out, and why. What only the database knows is not asked. */
export async function ruleWarnings({ routingRules, providers }: GovernanceFile): Promise<Warning[]> {
  const rules = routingRules ?? []
  const own = new Set((providers ?? []).map(({ name }) => name))
  const compile = await compilerFor(rules.map(({ rule }) => rule.cel_expression ?? ''))
  return rules.flatMap(({ id, rule }) => {
    const checked = checkRule(rule, {
      isKnownProvider: (name) => isKnownProvider(name) || own.has(name),
      compile,
    })
    return isFailure(checked) && 'message' in checked
      ? [{ path: `governance.routing_rules.${id}`, message: `${checked.message}: this rule is left out` }]
      : []
  })
}
