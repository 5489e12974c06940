import type { Failure } from '../domain/failure.ts'
import {
  type CompiledExpression,
  type RuleFallback,
  type RuleScope,
  type RuleTarget,
  ruleScopes,
} from './rule.ts'

/** A rule as callers and the configuration file write it. A member that is absent or `null` has its default. */
export interface GivenRule {
  readonly name?: string | null | undefined
  readonly description?: string | null | undefined
  readonly enabled?: boolean | null | undefined
  readonly chain_rule?: boolean | null | undefined
  readonly cel_expression?: string | null | undefined
  readonly targets?: readonly GivenTarget[] | null | undefined
  /** An older form of one target of weight 1. */
  readonly provider?: string | null | undefined
  readonly model?: string | null | undefined
  readonly fallbacks?: readonly (string | GivenFallback)[] | null | undefined
  readonly scope?: string | null | undefined
  readonly scope_id?: string | null | undefined
  readonly priority?: number | null | undefined
  readonly query?: Readonly<Record<string, unknown>> | null | undefined
}

export interface GivenTarget {
  readonly provider?: string | null | undefined
  readonly model?: string | null | undefined
  readonly key_id?: string | null | undefined
  readonly weight?: number | null | undefined
}

export interface GivenFallback {
  readonly provider?: string | null | undefined
  readonly model?: string | null | undefined
  readonly key_id?: string | null | undefined
}

/** A rule that may be stored: every default filled in, targets heaviest first. */
export interface CheckedRule {
  readonly name: string
  readonly description: string
  readonly isEnabled: boolean
  readonly isChained: boolean
  /** The text of the condition. */
  readonly expression: string
  readonly targets: readonly RuleTarget[]
  readonly fallbacks: readonly RuleFallback[]
  readonly scope: RuleScope
  readonly scopeId: string | null
  readonly priority: number
  /** What the rule was drawn with, for whoever draws it again; it means nothing to us. */
  readonly query: Readonly<Record<string, unknown>> | null
}

/** What a rule is judged with. */
export interface RuleKnowledge {
  readonly isKnownProvider: (name: string) => boolean
  readonly compile: (expression: string) => CompiledExpression | { readonly fault: string }
}

/** How far from 1 the weights of a rule's targets may add up. */
const weightTolerance = 0.001

/** The rule with its defaults, or the first thing that is wrong with it. Who its scope names is not looked up here. */
export function checkRule(given: GivenRule, knowledge: RuleKnowledge): CheckedRule | Failure {
  const name = given.name?.trim() ? given.name : null
  if (name === null) return invalid('name field is required')

  const targets = targetsOf(given)
  const targetFault = faultOfTargets(targets)
  if (targetFault !== null) return invalid(targetFault)

  const fallbacks: RuleFallback[] = []
  for (const [index, text] of (given.fallbacks ?? []).entries()) {
    const fallback = fallbackOf(text, index, knowledge.isKnownProvider)
    if ('fault' in fallback) return invalid(fallback.fault)
    fallbacks.push(fallback)
  }

  const expression = given.cel_expression ?? ''
  const compiled = knowledge.compile(expression)
  if ('fault' in compiled) return invalid(`invalid CEL expression: ${compiled.fault}`)

  const scope = given.scope || 'global'
  if (!isScope(scope)) return invalid(`invalid scope "${scope}": must be one of: ${ruleScopes.join(', ')}`)
  const scopeId = scope === 'global' ? null : given.scope_id || null
  if (scope !== 'global' && scopeId === null)
    return invalid('scope_id field is required when scope is not global')

  return {
    name,
    description: given.description ?? '',
    isEnabled: given.enabled ?? true,
    isChained: given.chain_rule ?? false,
    expression,
    targets: targets.toSorted((left, right) => right.weight - left.weight),
    fallbacks,
    scope,
    scopeId,
    priority: given.priority ?? 0,
    query: given.query ?? null,
  }
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}

function isScope(text: string): text is RuleScope {
  return (ruleScopes as readonly string[]).includes(text)
}

/** Empty texts are nothing, in every place where a name may be left out. */
function targetsOf(given: GivenRule): RuleTarget[] {
  if (given.targets?.length) {
    return given.targets.map(({ provider, model, key_id, weight }) => ({
      provider: provider || null,
      model: model || null,
      keyId: key_id || null,
      weight: weight ?? 0,
    }))
  }
  if (!given.provider && !given.model) return []
  return [{ provider: given.provider || null, model: given.model || null, keyId: null, weight: 1 }]
}

function faultOfTargets(targets: readonly RuleTarget[]): string | null {
  if (targets.length === 0) return 'at least one target is required'
  if (!targets.every(({ weight }) => weight > 0)) return 'each target weight must be positive'
  if (targets.some(({ provider, keyId }) => keyId !== null && provider === null))
    return 'key_id requires provider to be set'

  const names = new Set<string>()
  for (const target of targets) {
    const name = `provider=${target.provider ?? ''} model=${target.model ?? ''} key_id=${target.keyId ?? ''}`
    if (names.has(name)) return `duplicate target entry: ${name}`
    names.add(name)
  }

  const sum = targets.reduce((total, { weight }) => total + weight, 0)
  // A billionth more, so that 0.999 is not refused for what floating point makes of it.
  if (Math.abs(sum - 1) > weightTolerance + 1e-9) return `target weights must sum to 1, got ${sum.toFixed(4)}`
  return null
}

/** `provider/model`, `provider/`, or the same as an object. */
function fallbackOf(
  given: string | GivenFallback,
  index: number,
  isKnownProvider: (name: string) => boolean,
): RuleFallback | { fault: string } {
  const fallback = readFallback(given)
  if (fallback === null) return { fault: `fallbacks[${index}] must not be empty` }
  if (isKnownProvider(fallback.provider)) return fallback
  const text = typeof given === 'string' ? given : `${fallback.provider}/${fallback.model ?? ''}`
  return {
    fault: `fallbacks[${index}] "${text}" is invalid: must use a known provider prefix, such as "openai/gpt-4o"`,
  }
}

/** A fallback as it was written; null for one that says nothing. What it names need not be there. */
export function readFallback(given: string | GivenFallback): RuleFallback | null {
  return typeof given === 'string' ? fallbackOfText(given) : fallbackOfObject(given)
}

function fallbackOfText(given: string): RuleFallback | null {
  const text = given.trim()
  if (text === '') return null
  const slash = text.indexOf('/')
  // Without a slash it names no provider, whatever it says.
  if (slash === -1) return { provider: '', model: text, keyId: null }
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) || null, keyId: null }
}

function fallbackOfObject({ provider, model, key_id }: GivenFallback): RuleFallback | null {
  if (!provider && !model) return null
  return { provider: provider ?? '', model: model || null, keyId: key_id || null }
}
