import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { RoutingRuleFact, RuleScope } from './facts.ts'
import { stored, storedJson } from './stored.ts'

export async function readChangedRoutingRules(
  read: Kysely<Schema>,
  since: number,
): Promise<RoutingRuleFact[]> {
  const rows = await read.selectFrom('routing_rules').selectAll().where('revision', '>', since).execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    enabled: row.enabled === 1,
    chainRule: row.chain_rule === 1,
    celExpression: row.cel_expression,
    targets: storedJson(row.targets),
    fallbacks: storedJson(row.fallbacks),
    scope: row.scope as RuleScope,
    scopeId: row.scope_id,
    priority: row.priority,
    query: row.query === null ? null : storedJson(row.query),
    ...stored(row),
  }))
}
