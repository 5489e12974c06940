import { type Failure, isFailure } from '../../../domain/failure.ts'
import { isKnownProvider } from '../../../providers/table.ts'
import { type CheckedRule, checkRule, type GivenRule } from '../../../rules/validate.ts'
import type { Operator, Write } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { RoutingRuleFact, RuleFallbackFact, RuleScope } from '../facts.ts'
import { canBeStored, contains, firstTried, type Paging, readPageOfIds } from '../numbered-page.sql.ts'
import { present } from '../owners/members.ts'
import { bury } from '../owners/tombstones.sql.ts'
import { isThere, readProviderNames } from '../references.sql.ts'
import { newUuid } from '../uuid.ts'
import { compilerFor } from './compiled-rules.ts'
import {
  deleteRoutingRuleRow,
  findRoutingRule,
  readRoutingRule,
  writeRoutingRule,
} from './routing-rules.sql.ts'

export interface RoutingRuleFilter {
  readonly scope: string | null
  readonly scopeId: string | null
  readonly search: string | null
  /** None but the rules of these, each a scope and an id in it; null: all. */
  readonly owners: readonly RuleOwner[] | null
}

export interface RuleOwner {
  readonly scope: Exclude<RuleScope, 'global'>
  readonly scopeId: string
}

export interface RoutingRules {
  /** By priority, then newest first. `total` counts all pages. */
  listRoutingRules(
    filter: RoutingRuleFilter,
    paging: Paging,
  ): Promise<{ readonly rules: readonly RoutingRuleFact[]; readonly total: number }>
  createRoutingRule(operator: Operator, given: GivenRule): Promise<RoutingRuleFact | Failure>
  /** Members left out stay as they are; null brings a default back. The rule that comes of it is judged whole. */
  updateRoutingRule(operator: Operator, id: string, given: GivenRule): Promise<RoutingRuleFact | Failure>
  deleteRoutingRule(operator: Operator, id: string): Promise<RoutingRuleFact | Failure>
}

const noRule: Failure = { failure: 'not_found', what: 'routing_rule' }

export function routingRulesOf(context: GovernanceContext): RoutingRules {
  const { read, kind, write, world, random } = context

  return {
    async listRoutingRules({ scope, scopeId, search, owners }, paging) {
      const texts = [scope, scopeId, search].filter((text) => text !== null)
      if (!texts.every(canBeStored) || owners?.length === 0) return { rules: [], total: 0 }
      let query = read.selectFrom('routing_rules')
      if (scope !== null) query = query.where('scope', '=', scope)
      if (scopeId !== null) query = query.where('scope_id', '=', scopeId)
      if (search !== null) query = query.where(contains(kind, 'name', search))
      if (owners !== null) {
        query = query.where(({ or, and, eb }) =>
          or(owners.map((own) => and([eb('scope', '=', own.scope), eb('scope_id', '=', own.scopeId)]))),
        )
      }
      const page = await readPageOfIds(query, paging, firstTried)
      return { rules: present(page.ids, world().routingRule), total: page.total }
    },

    createRoutingRule(operator, given) {
      return write<RoutingRuleFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const id = newUuid(random)
        const rule = await judge(it, given, id)
        if (isFailure(rule)) return rule
        const { revision, at } = await it.begin()
        const fact = { id, ...rule, configHash: null, createdAt: at, updatedAt: at }
        await writeRoutingRule(it.transaction, fact, revision)
        await it.audit('ROUTING_RULE_CREATED', id, { routing_rule_id: id, name: fact.name })
        return fact
      })
    },

    updateRoutingRule(operator, id, given) {
      return write<RoutingRuleFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const before = await readRoutingRule(it.transaction, id)
        if (before === null) return noRule
        const rule = await judge(it, merged(before, given), id)
        if (isFailure(rule)) return rule
        const { revision, at } = await it.begin()
        const fact = { ...before, ...rule, updatedAt: Math.max(at, before.updatedAt + 1) }
        await writeRoutingRule(it.transaction, fact, revision)
        await it.audit('ROUTING_RULE_UPDATED', id, { routing_rule_id: id, changed: membersOf(given) })
        return fact
      })
    },

    deleteRoutingRule(operator, id) {
      return write<RoutingRuleFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const rule = await readRoutingRule(it.transaction, id)
        if (rule === null) return noRule
        const { revision } = await it.begin()
        await deleteRoutingRuleRow(it.transaction, id)
        await bury(it.transaction, 'routing_rule', id, revision)
        await it.audit('ROUTING_RULE_DELETED', id, { routing_rule_id: id, name: rule.name })
        return rule
      })
    },
  }
}

type RuleTerms = Omit<RoutingRuleFact, 'id' | 'configHash' | 'createdAt' | 'updatedAt'>

/** What a rule is to say, or the first thing that is wrong with it. */
async function judge(it: Write, given: GivenRule, id: string): Promise<RuleTerms | Failure> {
  const providers = await readProviderNames(it.transaction)
  const checked = checkRule(given, {
    isKnownProvider: (name) => isKnownProvider(name) || providers.has(name),
    compile: await compilerFor([given.cel_expression ?? '']),
  })
  if (isFailure(checked)) return checked
  const terms = termsOf(checked, given)
  const stray = await strayIn(it, terms)
  if (stray) return stray
  const owner = await findRoutingRule(it.transaction, terms)
  if (owner === null || owner === id) return terms
  return { failure: 'conflict', message: 'A routing rule with this name already exists' }
}

/** Fallbacks are kept as they were written: whoever wrote them reads them again. */
function termsOf(checked: CheckedRule, { fallbacks }: GivenRule): RuleTerms {
  return {
    name: checked.name,
    description: checked.description,
    enabled: checked.isEnabled,
    chainRule: checked.isChained,
    celExpression: checked.expression,
    targets: checked.targets,
    fallbacks: (fallbacks ?? []) as readonly RuleFallbackFact[],
    scope: checked.scope,
    scopeId: checked.scopeId,
    priority: checked.priority,
    query: checked.query,
  }
}

const owners = {
  virtual_key: { table: 'virtual_keys', name: 'virtual key' },
  team: { table: 'teams', name: 'team' },
  customer: { table: 'customers', name: 'customer' },
} as const

/** Whom a rule is for is not there; null where it is, or the rule is for everybody. */
async function strayIn(
  { transaction }: Write,
  { scope, scopeId }: Pick<RuleTerms, 'scope' | 'scopeId'>,
): Promise<Failure | null> {
  if (scope === 'global' || scopeId === null) return null
  const { table, name } = owners[scope]
  const isFound = canBeStored(scopeId) && (await isThere(transaction, table, scopeId))
  if (isFound) return null
  return { failure: 'invalid', message: `${name} '${scopeId}' not found: routing rule scope_id not found` }
}

/** A rule as somebody would write it who wants it as it is, but for what they say. */
function merged(before: RoutingRuleFact, given: GivenRule): GivenRule {
  const says = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const movesScope = given.scope !== undefined && (given.scope || 'global') !== before.scope
  const namesTarget = given.targets === undefined && (Boolean(given.provider) || Boolean(given.model))
  return {
    name: before.name,
    description: before.description,
    enabled: before.enabled,
    chain_rule: before.chainRule,
    cel_expression: before.celExpression,
    targets: namesTarget
      ? null
      : before.targets.map(({ keyId, ...target }) => ({ ...target, key_id: keyId })),
    fallbacks: before.fallbacks,
    scope: before.scope,
    // Who it was for in another scope is nobody in this one.
    scope_id: movesScope ? null : before.scopeId,
    priority: before.priority,
    query: before.query,
    ...says,
  }
}

function membersOf(given: GivenRule): string[] {
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : name))
}
