import type { Type } from './check.ts'

/** How much of a limit is used, in percent of its ceiling: the highest over the levels that count, 0 without a limit. */
export const percentageNames = [
  'budget_used',
  'tokens_used',
  'request',
  'vk_budget_used',
  'vk_tokens_used',
  'vk_request',
  'team_budget_used',
  'team_tokens_used',
  'team_request',
  'customer_budget_used',
  'customer_tokens_used',
  'customer_request',
] as const

export type Percentages = Readonly<Record<(typeof percentageNames)[number], number>>

/** What a call is asked for: `null` where the caller has left the provider to us. */
export interface Asked {
  readonly provider: string | null
  readonly model: string
}

/** What rules may know of a call. Names and ids are empty where there is none; functions are asked only if a rule reads. */
export interface RuleContext {
  readonly requestType: string
  /** By lower-case names. */
  readonly headers: () => ReadonlyMap<string, string>
  /** The query's, by lower-case names. */
  readonly params: () => ReadonlyMap<string, string>
  readonly virtualKeyId: string
  readonly virtualKeyName: string
  readonly teamId: string
  readonly teamName: string
  readonly customerId: string
  readonly customerName: string
  readonly percentages: (asked: Asked) => Percentages
}

const textMap: Type = { kind: 'map', key: 'string', of: 'string' }

/** The variables of an expression and their types. */
export const variableTypes: Readonly<Record<string, Type>> = {
  model: 'string',
  provider: 'string',
  request_type: 'string',
  headers: textMap,
  params: textMap,
  virtual_key_id: 'string',
  virtual_key_name: 'string',
  team_id: 'string',
  team_name: 'string',
  customer_id: 'string',
  customer_name: 'string',
  // Rules of other gateways name these two. They have no value here, so that such a rule is kept and does not match.
  complexity_tier: 'string',
  user_id: 'string',
  ...Object.fromEntries(percentageNames.map((name) => [name, 'double' as const])),
}

export type VariableValue = string | number | ReadonlyMap<string, string>

/** Where an expression reads what it names; `undefined` is a variable without a value. */
export interface Variables {
  read(name: string): VariableValue | undefined
}

/** The variables of a call that is asked for something; what takes work to know is worked out once, when it is read. */
export class CallVariables implements Variables {
  readonly #context: RuleContext
  #asked: Asked
  #headers: ReadonlyMap<string, string> | undefined
  #params: ReadonlyMap<string, string> | undefined
  #percentages: Percentages | undefined

  constructor(context: RuleContext, asked: Asked) {
    this.#context = context
    this.#asked = asked
  }

  /** From now on the call is asked for something else, whose limits are used otherwise. */
  ask(asked: Asked): void {
    this.#asked = asked
    this.#percentages = undefined
  }

  read(name: string): VariableValue | undefined {
    const context = this.#context
    switch (name) {
      case 'model':
        return this.#asked.model
      case 'provider':
        return this.#asked.provider ?? ''
      case 'request_type':
        return context.requestType
      case 'headers':
        this.#headers ??= context.headers()
        return this.#headers
      case 'params':
        this.#params ??= context.params()
        return this.#params
      case 'virtual_key_id':
        return context.virtualKeyId
      case 'virtual_key_name':
        return context.virtualKeyName
      case 'team_id':
        return context.teamId
      case 'team_name':
        return context.teamName
      case 'customer_id':
        return context.customerId
      case 'customer_name':
        return context.customerName
      case 'complexity_tier':
      case 'user_id':
        return undefined
      default:
        this.#percentages ??= context.percentages(this.#asked)
        return this.#percentages[name as keyof Percentages]
    }
  }
}
