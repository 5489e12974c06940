import type { Variables } from './variables.ts'

/** A condition that is ready to be asked. */
export interface CompiledExpression {
  matches(variables: Variables): boolean
}

/** Whose calls a rule is asked about. */
export type RuleScope = (typeof ruleScopes)[number]

export const ruleScopes = ['global', 'team', 'customer', 'virtual_key'] as const

/** Where a rule may send a call; what is `null` stays as the call has it. */
export interface RuleTarget {
  readonly provider: string | null
  readonly model: string | null
  /** The provider's key to use, and no other. */
  readonly keyId: string | null
  readonly weight: number
}

/** Where a call goes if its target fails; without a model, with the one that the rule was asked about. */
export interface RuleFallback {
  readonly provider: string
  readonly model: string | null
  readonly keyId: string | null
}

export interface RoutingRule {
  readonly id: string
  readonly name: string
  readonly isEnabled: boolean
  /** Whether the rules are asked once more about where this one leads. */
  readonly isChained: boolean
  /** `null` if the stored text does not compile: such a rule matches nothing. */
  readonly expression: CompiledExpression | null
  /** Heaviest first. */
  readonly targets: readonly RuleTarget[]
  readonly fallbacks: readonly RuleFallback[]
  readonly scope: RuleScope
  /** `null` if the scope is `global`. */
  readonly scopeId: string | null
  /** Lower first. */
  readonly priority: number
  readonly createdAt: number
}
