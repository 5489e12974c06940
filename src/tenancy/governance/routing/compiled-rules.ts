import type { CompiledExpression, RoutingRule, RuleFallback } from '../../../rules/rule.ts'
import { readFallback } from '../../../rules/validate.ts'
import type { RoutingRuleFact, RuleFallbackFact } from '../facts.ts'

/** A condition, or what is wrong with its text. */
export type Compile = (text: string) => CompiledExpression | { readonly fault: string }

/** A rule whose condition nobody can ask: it matches nothing. */
export interface BrokenRule {
  readonly id: string
  readonly name: string
  readonly fault: string
}

const always: CompiledExpression = { matches: () => true }

let library: Compile | null = null

/**
 * The compiler of conditions. Its library is loaded by the first condition that says something: that takes 100 ms and
 * 30 MB, which an installation without rules need not pay.
 */
export async function compilerFor(texts: Iterable<string>): Promise<Compile> {
  for (const text of texts) {
    if (text.trim() !== '') library ??= (await import('../../../rules/cel.ts')).compileExpression
  }
  return compile
}

function compile(text: string): ReturnType<Compile> {
  if (text.trim() === '') return always
  if (library === null) throw new Error('A condition is compiled before its compiler was loaded')
  return library(text)
}

/** Compiles rules before anybody can route by them; tells of each that is broken, once for each time it is read. */
export async function compileRules(
  rules: Iterable<RoutingRuleFact | null>,
  onBroken: (rule: BrokenRule) => void,
): Promise<void> {
  const facts = [...rules].filter((fact) => fact !== null)
  const compileText = await compilerFor(facts.map(({ celExpression }) => celExpression))
  for (const fact of facts) {
    const expression = compileText(fact.celExpression)
    const isBroken = 'fault' in expression
    if (isBroken) onBroken({ id: fact.id, name: fact.name, fault: expression.fault })
    compiled.set(fact, ruleOf(fact, isBroken ? null : expression))
  }
}

const compiled = new WeakMap<RoutingRuleFact, RoutingRule>()
const lists = new WeakMap<readonly RoutingRuleFact[], readonly RoutingRule[]>()

/** Rules of a view, ready to be asked. The same list for the same list. */
export function compiledRules(facts: readonly RoutingRuleFact[]): readonly RoutingRule[] {
  const known = lists.get(facts)
  if (known !== undefined) return known
  const rules = facts.map(compiledRule)
  lists.set(facts, rules)
  return rules
}

function compiledRule(fact: RoutingRuleFact): RoutingRule {
  const known = compiled.get(fact)
  if (known === undefined) throw new Error('A routing rule is asked that was not compiled')
  return known
}

function ruleOf(fact: RoutingRuleFact, expression: CompiledExpression | null): RoutingRule {
  return {
    id: fact.id,
    name: fact.name,
    isEnabled: fact.enabled,
    isChained: fact.chainRule,
    expression,
    targets: fact.targets,
    fallbacks: fact.fallbacks.flatMap(fallbackOf),
    scope: fact.scope,
    scopeId: fact.scopeId,
    priority: fact.priority,
    createdAt: fact.createdAt,
  }
}

/** None for one that names no provider: there is nowhere to go. */
function fallbackOf(fact: RuleFallbackFact): RuleFallback[] {
  const fallback = readFallback(fact)
  return fallback === null || fallback.provider === '' ? [] : [fallback]
}
