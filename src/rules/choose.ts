import type { RoutingRule, RuleFallback, RuleTarget } from './rule.ts'
import { type Asked, CallVariables, type RuleContext } from './variables.ts'

/** The rules that a call is subject to, by whose they are; each list by priority, then newest first. */
export interface ScopedRules {
  readonly virtualKey: readonly RoutingRule[]
  readonly team: readonly RoutingRule[]
  readonly customer: readonly RoutingRule[]
  readonly global: readonly RoutingRule[]
}

/** Where rules send a call. All of it is the last matching rule's. */
export interface Routed {
  readonly rule: RoutingRule
  readonly provider: string | null
  readonly model: string
  /** The key that alone may be used. */
  readonly keyId: string | null
  /** In the place of the caller's, unless empty. */
  readonly fallbacks: readonly RoutedFallback[]
}

export interface RoutedFallback {
  readonly provider: string
  readonly model: string
  readonly keyId: string | null
}

/** What is at hand while rules are asked. */
export interface Choice {
  readonly context: RuleContext
  /** Evenly from 0 up to, but not including, 1. */
  readonly random: () => number
  /** How often the rules are asked about one call at the most. */
  readonly maxDepth: number
  /** Whether the key that a target pins is there. */
  readonly isTargetUsable: (target: RuleTarget) => boolean
}

/**
 * Where the rules send a call, `null` if none matches.
 *
 * The first match counts, from the nearest scope to the widest. A chained rule has the rules asked again about where it
 * leads, until none matches, a rule ends the chain, or the chain is where it has been.
 */
export function chooseRoute(rules: ScopedRules, asked: Asked, choice: Choice): Routed | null {
  if (isEmpty(rules)) return null
  const variables = new CallVariables(choice.context, asked)
  const seen: Asked[] = []
  let current = asked
  let routed: Routed | null = null
  for (let depth = 1; depth <= Math.max(1, choice.maxDepth); depth++) {
    const next = firstMatch(rules, current, variables, choice)
    if (next === null) break
    routed = next
    seen.push(current)
    if (!next.rule.isChained || seen.some((place) => isSame(place, next))) break
    current = { provider: next.provider, model: next.model }
    variables.ask(current)
  }
  return routed
}

function isEmpty({ virtualKey, team, customer, global }: ScopedRules): boolean {
  return global.length === 0 && virtualKey.length === 0 && team.length === 0 && customer.length === 0
}

function isSame(left: Asked, right: Asked): boolean {
  return left.provider === right.provider && left.model === right.model
}

function firstMatch(
  rules: ScopedRules,
  asked: Asked,
  variables: CallVariables,
  choice: Choice,
): Routed | null {
  for (const scoped of [rules.virtualKey, rules.team, rules.customer, rules.global]) {
    for (const rule of scoped) {
      if (!rule.isEnabled || !rule.expression?.matches(variables)) continue
      const target = chooseTarget(rule.targets.filter(choice.isTargetUsable), choice.random)
      if (target !== null) return routeOf(rule, target, asked)
    }
  }
  return null
}

/** One of several by their weights; targets of no weight at all, which old data has, are as good as each other. */
function chooseTarget(targets: readonly RuleTarget[], random: () => number): RuleTarget | null {
  const [first] = targets
  if (first === undefined || targets.length === 1) return first ?? null
  const total = targets.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) return targets[Math.floor(random() * targets.length)] ?? null
  let rest = random() * total
  for (const target of targets) {
    rest -= target.weight
    if (rest < 0) return target
  }
  // Sums of fractions round: what is left over belongs to the heaviest.
  return first
}

function routeOf(rule: RoutingRule, target: RuleTarget, asked: Asked): Routed {
  return {
    rule,
    provider: target.provider ?? asked.provider,
    model: target.model ?? asked.model,
    keyId: target.keyId,
    fallbacks: rule.fallbacks.map((fallback) => fallbackOf(fallback, asked)),
  }
}

function fallbackOf({ provider, model, keyId }: RuleFallback, asked: Asked): RoutedFallback {
  return { provider, model: model ?? asked.model, keyId }
}
