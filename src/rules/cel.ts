import {
  type CelFunc,
  type CelInput,
  type CelResult,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celList,
  celMethod,
  isCelList,
  isCelMap,
  listType,
  parse,
  plan,
} from '@bufbuild/cel'
import { type Type, typeOf } from './check.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import type { CompiledExpression } from './rule.ts'
import { type Variables, variableTypes } from './variables.ts'

// The only file that knows which library speaks CEL. It is loaded when the first expression is compiled: that takes
// 100 ms and 30 MB, which an installation without rules need not pay.

type Expr = ReturnType<typeof parse>['expr']
type Constant = Extract<Expr['exprKind'], { case: 'constExpr' }>['value']

/** What an expression may be at the most. Deeper nesting could overflow the stack. */
export const maxExpressionLength = 4096
const maxNesting = 400

/**
 * What one evaluation may cost, in steps of about the work of visiting one node of the expression. Outside of loops an
 * expression cannot take more steps than it has characters; loops and all that depends on sizes are charged.
 */
const maxSteps = 50_000

/** An expression that can be run. */
export interface Program {
  /** Every name in it, those that its macros bind included. */
  readonly names: ReadonlySet<string>
  evaluate(bindings: Readonly<Record<string, CelInput>>): CelResult
}

/**
 * The condition that a text of a rule stands for, or what is wrong with it. Nothing at all is always true.
 *
 * A missing map key, an error and a result that is no truth value are no match.
 */
export function compileExpression(text: string): CompiledExpression | { readonly fault: string } {
  if (text.trim() === '') return { matches: () => true }
  const expression = parseExpression(text)
  if ('fault' in expression) return expression
  const type = typeOf(expression, variableTypes)
  if (typeof type === 'object' && 'fault' in type) return type
  if (!mayBeTrue(type)) return { fault: 'the expression must give true or false' }
  const program = planExpression(expression)
  if ('fault' in program) return program
  // The rest are names that macros bind.
  const names = [...program.names].filter((name) => Object.hasOwn(variableTypes, name))
  return { matches: (variables) => program.evaluate(bindingsOf(names, variables)) === true }
}

function mayBeTrue(type: Type): boolean {
  return type === 'bool' || type === 'dyn'
}

/** Variables are read before the library runs: what a reader throws is a bug, and the library would take it for a value. */
function bindingsOf(names: readonly string[], variables: Variables): Record<string, CelInput> {
  const bindings: Record<string, CelInput> = Object.create(null)
  for (const name of names) {
    const value = variables.read(name)
    if (value !== undefined) bindings[name] = value
  }
  return bindings
}

/** The expression that a text writes. */
export function parseExpression(text: string): Expr | { readonly fault: string } {
  if (text.length > maxExpressionLength)
    return { fault: `an expression may have ${maxExpressionLength} characters, this one has ${text.length}` }
  try {
    return parse(text).expr
  } catch (error) {
    if (error instanceof RangeError) return { fault: 'the expression nests too deeply' }
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

/** Makes an expression ready to run, metered; it need not be of a known type. The expression itself is changed. */
export function planExpression(expression: Expr): Program | { readonly fault: string } {
  const preparation = new Preparation()
  preparation.prepare(expression, 0)
  const [fault] = preparation.faults
  if (fault !== undefined) return { fault }
  const { names, patterns } = preparation
  const run = plan(environment, expression)
  return { names, evaluate: (bindings) => metered(patterns, () => run(bindings)) }
}

/** What the evaluation under way may still spend, and its patterns. Evaluations neither wait nor nest. */
let stepsLeft = 0
let patternsAtHand: readonly Pattern[] = []

function metered(patterns: readonly Pattern[], run: () => CelResult): CelResult {
  stepsLeft = maxSteps
  patternsAtHand = patterns
  // A missing header is an everyday error, and recording where it arose takes six times as long as the evaluation.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    patternsAtHand = []
  }
}

/** Thrown past the library's own errors, which are values: `||` could absorb those, and go on. */
function spend(steps: number): void {
  stepsLeft -= steps
  if (stepsLeft < 0) throw new Error('the expression takes too long')
}

/** Puts the meter into loops, compiles patterns and gathers names. */
class Preparation {
  readonly faults: string[] = []
  readonly names = new Set<string>()
  readonly patterns: Pattern[] = []

  /** Answers with the number of nodes. */
  prepare(expression: Expr | undefined, nesting: number): number {
    if (expression === undefined) return 0
    if (nesting > maxNesting) {
      this.faults.push('the expression nests too deeply')
      return 0
    }
    const all = (parts: readonly (Expr | undefined)[]) =>
      parts.reduce((nodes, part) => nodes + this.prepare(part, nesting + 1), 1)
    const kind = expression.exprKind
    switch (kind.case) {
      case 'identExpr':
        this.names.add(kind.value.name)
        return 1
      case 'selectExpr':
        return all([kind.value.operand])
      case 'callExpr': {
        if (kind.value.target !== undefined && kind.value.function === 'matches')
          this.#compilePattern(kind.value)
        const { args } = kind.value
        const nodes = all([kind.value.target, ...args])
        if (kind.value.function === '_[_]' && args[0] !== undefined && args[1]?.exprKind.case !== 'constExpr')
          args[0] = callTo('@looked_up', [args[0]])
        return nodes
      }
      case 'listExpr':
        return all(kind.value.elements)
      case 'structExpr':
        this.#refuseRepeatedKeys(kind.value.entries.map(({ keyKind }) => mapKey(keyKind)))
        return all(kind.value.entries.flatMap((entry) => [mapKey(entry.keyKind), entry.value]))
      case 'comprehensionExpr': {
        const fold = kind.value
        const once = all([fold.iterRange, fold.accuInit, fold.result])
        const eachTime = all([fold.loopCondition, fold.loopStep])
        if (fold.iterRange !== undefined) fold.iterRange = callTo('@gone_through', [fold.iterRange])
        if (fold.loopCondition !== undefined)
          fold.loopCondition = callTo('_?_:_', [
            callTo('@step', [literal({ case: 'int64Value', value: BigInt(eachTime) })]),
            fold.loopCondition,
            literal({ case: 'boolValue', value: false }),
          ])
        return once + eachTime
      }
      default:
        return 1
    }
  }

  /** A pattern is compiled once and judged when the rule is written; therefore it cannot come from a variable. */
  #compilePattern(call: { function: string; args: Expr[] }): void {
    const text = call.args.length === 1 ? literalValue(call.args[0]) : undefined
    if (typeof text !== 'string') {
      this.faults.push('matches() needs its pattern as one string literal')
      return
    }
    const pattern = compilePattern(text)
    if ('fault' in pattern) {
      this.faults.push(pattern.fault)
      return
    }
    call.function = '@matches'
    call.args = [literal({ case: 'int64Value', value: BigInt(this.patterns.push(pattern) - 1) })]
  }

  /** The library finds repeated keys of one type, and misses that 0 and 0u are one key. */
  #refuseRepeatedKeys(keys: readonly (Expr | undefined)[]): void {
    const seen = new Set<unknown>()
    for (const key of keys) {
      const value = literalValue(key)
      if (typeof value !== 'bigint') continue
      if (seen.has(value)) this.faults.push(`map key ${value} stands twice`)
      seen.add(value)
    }
  }
}

function mapKey(keyKind: { case: 'mapKey'; value: Expr } | { case: string | undefined }): Expr | undefined {
  return keyKind.case === 'mapKey' && 'value' in keyKind ? keyKind.value : undefined
}

function callTo(name: string, args: Expr[]): Expr {
  const value = { $typeName: 'cel.expr.Expr.Call' as const, function: name, args }
  return { $typeName: 'cel.expr.Expr', id: 0n, exprKind: { case: 'callExpr', value } }
}

function literal(constantKind: Constant['constantKind']): Expr {
  const value = { $typeName: 'cel.expr.Constant' as const, constantKind }
  return { $typeName: 'cel.expr.Expr', id: 0n, exprKind: { case: 'constExpr', value } }
}

/** The value of an expression that is a literal. */
function literalValue(expression: Expr | undefined): unknown {
  return expression?.exprKind.case === 'constExpr' ? expression.exprKind.value.constantKind.value : undefined
}

const { BOOL, DYN, INT, STRING } = CelScalar
const list = listType(DYN)

/** What a function pays before it runs, where that depends on the sizes of its operands. */
const prices: Readonly<Record<string, (operands: readonly CelValue[]) => void>> = {
  '_==_': ([left]) => spendFor(left),
  '_!=_': ([left]) => spendFor(left),
  '@in': ([element, range]) => {
    if (isCelList(range)) spendFor(range)
    else if (typeof element !== 'string') spendForLookup(range)
  },
  '_+_': ([left, right]) => {
    spendFor(left)
    spendFor(right)
  },
  '_<_': ([left]) => spendFor(left),
  '_<=_': ([left]) => spendFor(left),
  '_>_': ([left]) => spendFor(left),
  '_>=_': ([left]) => spendFor(left),
  size: ([of]) => spend(lengthOf(of) / 16),
  int: ([from]) => spend(lengthOf(from) / 16),
  uint: ([from]) => spend(lengthOf(from) / 16),
  double: ([from]) => spend(lengthOf(from) / 16),
  string: ([from]) => spend(lengthOf(from) / 16),
  bytes: ([from]) => spend(lengthOf(from) / 16),
  startsWith: ([, start]) => spendFor(start),
  endsWith: ([, end]) => spendFor(end),
  contains: ([text, part]) => {
    // The engine's search is linear for what it tables of a part, its last 250 characters, and a product beyond.
    spend(lengthOf(text) / 64)
    if (lengthOf(part) > 250) spend((lengthOf(text) * lengthOf(part)) / 512)
  },
  '@step': ([steps]) => spend(Number(steps)),
  '@gone_through': ([range]) => spend(sizeOf(range) / 4),
  '@looked_up': ([map]) => spendForLookup(map),
  '@matches': ([text, index]) =>
    spend((lengthOf(text) + 1) * (patternsAtHand[Number(index)]?.instructions ?? 0)),
}

/** For reading all of a value. */
function spendFor(value: CelValue | undefined): void {
  if (typeof value === 'string') spend(value.length / 256)
  else if (value instanceof Uint8Array) spend(value.length / 64)
  else if (isCelList(value)) {
    spend(1 + value.size / 4)
    for (const element of value) spendFor(element)
  } else if (isCelMap(value)) {
    // A number is sought by going through all keys, so two maps may take their product.
    spend(1 + value.size ** 2 / 16)
    for (const element of value.values()) spendFor(element)
  }
}

function spendForLookup(map: CelValue | undefined): void {
  if (isCelMap(map)) spend(map.size / 16)
}

function lengthOf(value: CelValue | undefined): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0
}

function sizeOf(value: CelValue | undefined): number {
  return isCelList(value) || isCelMap(value) ? value.size : 0
}

/** A function that pays before it runs. */
function priced(func: CelFunc): CelFunc {
  const price = prices[func.name]
  if (price === undefined) return func
  return Object.create(func, {
    call: {
      value: (id: number, target: CelValue | undefined, args: CelValue[]) => {
        price(target === undefined ? args : [target, ...args])
        return func.call(id, target, args)
      },
    },
  })
}

/** Names that begin with `@` cannot be written in an expression: only what is made of one calls these. */
const ownFunctions: readonly CelFunc[] = [
  celFunc('@step', [INT], BOOL, () => true),
  celFunc('@gone_through', [DYN], DYN, (range) => range),
  celFunc('@looked_up', [DYN], DYN, (map) => map),
  celMethod('@matches', STRING, [INT], BOOL, function (index) {
    return patternsAtHand[Number(index)]?.test(this) ?? false
  }),
  // The library's own makes a chain of lists, and goes through it recursively.
  celFunc('_+_', [list, list], list, (left, right) => celList([...left, ...right])),
]

const environment = celEnv({
  funcs: [...[...celEnv().funcs].map(priced), ...ownFunctions.map(priced)],
})
