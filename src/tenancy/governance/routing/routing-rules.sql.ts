import type { Kysely, Transaction } from 'kysely'
import type { RoutingRuleTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { RoutingRuleFact, RuleScope } from '../facts.ts'
import { stored, storedJson } from '../stored.ts'

export async function readChangedRoutingRules(
  read: Kysely<Schema>,
  since: number,
): Promise<RoutingRuleFact[]> {
  const rows = await read.selectFrom('routing_rules').selectAll().where('revision', '>', since).execute()
  return rows.map(toFact)
}

/** As it is within a write. */
export async function readRoutingRule(
  transaction: Transaction<Schema>,
  id: string,
): Promise<RoutingRuleFact | null> {
  const row = await transaction
    .selectFrom('routing_rules')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? null : toFact(row)
}

function toFact(row: RoutingRuleTable): RoutingRuleFact {
  return {
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
  }
}

/** The rule of a scope that has a name; null where none has. */
export async function findRoutingRule(
  transaction: Transaction<Schema>,
  { scope, scopeId, name }: Pick<RoutingRuleFact, 'scope' | 'scopeId' | 'name'>,
): Promise<string | null> {
  const row = await transaction
    .selectFrom('routing_rules')
    .select('id')
    .where('scope', '=', scope)
    .where('scope_id', scopeId === null ? 'is' : '=', scopeId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.id ?? null
}

export async function writeRoutingRule(
  transaction: Transaction<Schema>,
  fact: RoutingRuleFact,
  revision: number,
): Promise<void> {
  const columns = {
    name: fact.name,
    description: fact.description,
    enabled: fact.enabled ? 1 : 0,
    chain_rule: fact.chainRule ? 1 : 0,
    cel_expression: fact.celExpression,
    targets: JSON.stringify(fact.targets),
    fallbacks: JSON.stringify(fact.fallbacks),
    scope: fact.scope,
    scope_id: fact.scopeId,
    priority: fact.priority,
    query: fact.query === null ? null : JSON.stringify(fact.query),
    config_hash: fact.configHash,
    updated_at: fact.updatedAt,
    revision,
  }
  await transaction
    .insertInto('routing_rules')
    .values({ id: fact.id, created_at: fact.createdAt, ...columns })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
    .execute()
}

export async function deleteRoutingRuleRow(transaction: Transaction<Schema>, id: string): Promise<void> {
  await transaction.deleteFrom('routing_rules').where('id', '=', id).execute()
}
