/** The type of an expression as far as it can be told without running it; `dyn` is what only running it can tell. */
export type Type =
  | 'dyn'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | { readonly kind: 'list'; readonly of: Type }
  | { readonly kind: 'map'; readonly key: Type; readonly of: Type }

/** A parsed expression, as far as its types are concerned. */
export interface Expression {
  readonly exprKind:
    | {
        readonly case: 'constExpr'
        readonly value: { readonly constantKind: { readonly case?: string | undefined } }
      }
    | { readonly case: 'identExpr'; readonly value: { readonly name: string } }
    | { readonly case: 'selectExpr'; readonly value: Select }
    | { readonly case: 'callExpr'; readonly value: Call }
    | { readonly case: 'listExpr'; readonly value: { readonly elements: readonly Expression[] } }
    | { readonly case: 'structExpr'; readonly value: Struct }
    | { readonly case: 'comprehensionExpr'; readonly value: Comprehension }
    | { readonly case: undefined }
}

interface Select {
  readonly operand?: Expression | undefined
  readonly field: string
  /** `has(operand.field)`. */
  readonly testOnly: boolean
}

interface Call {
  readonly target?: Expression | undefined
  readonly function: string
  readonly args: readonly Expression[]
}

interface Struct {
  readonly messageName: string
  readonly entries: readonly {
    readonly keyKind:
      | { readonly case: 'mapKey'; readonly value: Expression }
      | { readonly case: 'fieldKey' }
      | { readonly case: undefined }
    readonly value?: Expression | undefined
  }[]
}

/** What `all`, `exists`, `filter` and `map` become: a fold over a range. */
interface Comprehension {
  readonly iterVar: string
  readonly iterRange?: Expression | undefined
  readonly accuVar: string
  readonly accuInit?: Expression | undefined
  readonly loopCondition?: Expression | undefined
  readonly loopStep?: Expression | undefined
  readonly result?: Expression | undefined
}

type Scope = Readonly<Record<string, Type>>
type Overload = readonly [operands: readonly Type[], result: Type]

/** The type of an expression over variables of given types, or the first thing in it that cannot be. */
export function typeOf(expression: Expression, variables: Scope): Type | { readonly fault: string } {
  const faults: string[] = []
  const type = new Checker(faults).type(expression, variables)
  return faults[0] === undefined ? type : { fault: faults[0] }
}

/** A fault is noted and its expression taken as `dyn`, so that one fault is not told twice. */
class Checker {
  readonly #faults: string[]

  constructor(faults: string[]) {
    this.#faults = faults
  }

  type(expression: Expression | undefined, scope: Scope): Type {
    const kind = expression?.exprKind
    switch (kind?.case) {
      case 'constExpr':
        return constantTypes[kind.value.constantKind.case ?? ''] ?? this.#fault('unknown kind of literal')
      case 'identExpr':
        return Object.hasOwn(scope, kind.value.name)
          ? (scope[kind.value.name] as Type)
          : this.#fault(`undeclared reference to '${kind.value.name}'`)
      case 'selectExpr':
        return this.#select(kind.value, scope)
      case 'callExpr':
        return this.#call(kind.value, scope)
      case 'listExpr':
        return { kind: 'list', of: unified(kind.value.elements.map((element) => this.type(element, scope))) }
      case 'structExpr':
        return this.#struct(kind.value, scope)
      case 'comprehensionExpr':
        return this.#comprehension(kind.value, scope)
      default:
        return this.#fault('unknown kind of expression')
    }
  }

  #select({ operand, field, testOnly }: Select, scope: Scope): Type {
    const type = this.type(operand, scope)
    if (type === 'dyn') return testOnly ? 'bool' : 'dyn'
    if (typeof type === 'string' || type.kind !== 'map' || !isAssignable(type.key, 'string'))
      return this.#fault(`type '${textOf(type)}' has no field '${field}'`)
    return testOnly ? 'bool' : type.of
  }

  #struct({ messageName, entries }: Struct, scope: Scope): Type {
    if (messageName !== '') return this.#fault(`undeclared reference to '${messageName}'`)
    const keys: Type[] = []
    const values: Type[] = []
    for (const { keyKind, value } of entries) {
      keys.push(keyKind.case === 'mapKey' ? this.type(keyKind.value, scope) : this.#fault('a map needs keys'))
      values.push(this.type(value, scope))
    }
    return { kind: 'map', key: unified(keys), of: unified(values) }
  }

  #comprehension(fold: Comprehension, scope: Scope): Type {
    const range = this.type(fold.iterRange, scope)
    const inner = {
      ...scope,
      [fold.iterVar]: this.#elementType(range),
      [fold.accuVar]: this.type(fold.accuInit, scope),
    }
    for (const part of [fold.loopCondition, fold.loopStep]) this.type(part, inner)
    return this.type(fold.result, inner)
  }

  #elementType(range: Type): Type {
    if (range === 'dyn') return 'dyn'
    if (typeof range === 'string') return this.#fault(`type '${range}' cannot be gone through`)
    return range.kind === 'list' ? range.of : range.key
  }

  #call(call: Call, scope: Scope): Type {
    const name = call.target === undefined ? call.function : `.${call.function}`
    const operands = [...(call.target === undefined ? [] : [call.target]), ...call.args]
    if (!isKnown(name)) {
      return this.#fault(`undeclared reference to '${call.function}'`)
    }
    const types = operands.map((operand) => this.type(operand, scope))
    return resultOf(name, types) ?? this.#noOverload(name, types)
  }

  #noOverload(name: string, types: readonly Type[]): Type {
    return this.#fault(
      `found no matching overload for '${name}' applied to '(${types.map(textOf).join(', ')})'`,
    )
  }

  #fault(fault: string): Type {
    this.#faults.push(fault)
    return 'dyn'
  }
}

const constantTypes: Readonly<Record<string, Type>> = {
  nullValue: 'null',
  boolValue: 'bool',
  int64Value: 'int',
  uint64Value: 'uint',
  doubleValue: 'double',
  stringValue: 'string',
  bytesValue: 'bytes',
}

const numbers = ['int', 'uint', 'double'] as const
const anyList: Type = { kind: 'list', of: 'dyn' }
const anyMap: Type = { kind: 'map', key: 'dyn', of: 'dyn' }
const sized = ['string', 'bytes', anyList, anyMap] as const

const ordered: readonly Overload[] = [
  ...numbers.flatMap((left) => numbers.map((right): Overload => [[left, right], 'bool'])),
  ...(['bool', 'string', 'bytes'] as const).map((type): Overload => [[type, type], 'bool']),
]
const pairs = (...types: readonly Type[]): Overload[] => types.map((type) => [[type, type], type])
const conversion = (result: Type, ...from: readonly Type[]): Overload[] =>
  from.map((type) => [[type], result])

/** Functions by name, methods by name after a dot, operators by the names that the language gives them. */
const overloads: Readonly<Record<string, readonly Overload[]>> = {
  '!_': [[['bool'], 'bool']],
  '-_': [
    [['int'], 'int'],
    [['double'], 'double'],
  ],
  '_+_': pairs(...numbers, 'string', 'bytes'),
  '_-_': pairs(...numbers),
  '_*_': pairs(...numbers),
  '_/_': pairs(...numbers),
  '_%_': pairs('int', 'uint'),
  '_<_': ordered,
  '_<=_': ordered,
  '_>_': ordered,
  '_>=_': ordered,
  '@not_strictly_false': [[['dyn'], 'bool']],
  size: conversion('int', ...sized),
  '.size': conversion('int', ...sized),
  '.contains': [[['string', 'string'], 'bool']],
  '.startsWith': [[['string', 'string'], 'bool']],
  '.endsWith': [[['string', 'string'], 'bool']],
  '.matches': [[['string', 'string'], 'bool']],
  int: conversion('int', ...numbers, 'string'),
  uint: conversion('uint', ...numbers, 'string'),
  double: conversion('double', ...numbers, 'string'),
  string: conversion('string', ...numbers, 'string', 'bool', 'bytes'),
  bytes: conversion('bytes', 'bytes', 'string'),
  bool: conversion('bool', 'bool', 'string'),
  dyn: [[['dyn'], 'dyn']],
}

/** Those whose types hang together in a way that no table says. */
const special: Readonly<Record<string, (types: readonly Type[]) => Type | undefined>> = {
  '_&&_': (types) => (types.every((type) => isAssignable(type, 'bool')) ? 'bool' : undefined),
  '_||_': (types) => (types.every((type) => isAssignable(type, 'bool')) ? 'bool' : undefined),
  '_?_:_': ([condition, ...branches]) =>
    condition !== undefined && isAssignable(condition, 'bool') ? unified(branches) : undefined,
  '_==_': ([left, right]) => (areComparable(left, right) ? 'bool' : undefined),
  '_!=_': ([left, right]) => (areComparable(left, right) ? 'bool' : undefined),
  '_[_]': ([from, at]) => elementAt(from, at),
  '@in': ([element, range]) => (areComparable(element, soughtIn(range)) ? 'bool' : undefined),
}

function isKnown(name: string): boolean {
  return Object.hasOwn(overloads, name) || Object.hasOwn(special, name)
}

/** What a call gives, `undefined` if it has no meaning for operands of these types. */
function resultOf(name: string, types: readonly Type[]): Type | undefined {
  if (Object.hasOwn(special, name)) return special[name]?.(types)
  if (name === '_+_' && types.every(isListOrDyn) && types.some((type) => type !== 'dyn'))
    return unified(types.filter((type) => type !== 'dyn'))
  const fitting = overloads[name]?.filter(
    ([operands]) =>
      operands.length === types.length &&
      operands.every((operand, i) => isAssignable(types[i] as Type, operand)),
  )
  return fitting === undefined || fitting.length === 0
    ? undefined
    : unified(fitting.map(([, result]) => result))
}

function isListOrDyn(type: Type): boolean {
  return type === 'dyn' || (typeof type === 'object' && type.kind === 'list')
}

function isNumber(type: Type): boolean {
  return type === 'int' || type === 'uint' || type === 'double'
}

/** Whether a value of a type may be one of another type: one of which nothing is known may be any. */
function isAssignable(type: Type, to: Type): boolean {
  if (type === 'dyn' || to === 'dyn') return true
  if (typeof type === 'string' || typeof to === 'string') return type === to
  if (type.kind === 'list') return to.kind === 'list' && isAssignable(type.of, to.of)
  return to.kind === 'map' && isAssignable(type.key, to.key) && isAssignable(type.of, to.of)
}

/** Whether asking if they are equal can ever be answered with yes: numbers of all kinds are compared by value. */
function areComparable(left: Type | undefined, right: Type | undefined): boolean {
  if (left === undefined || right === undefined) return false
  if (left === 'null' || right === 'null' || left === 'dyn' || right === 'dyn') return true
  if (typeof left === 'string' || typeof right === 'string')
    return left === right || (isNumber(left) && isNumber(right))
  if (left.kind === 'list') return right.kind === 'list' && areComparable(left.of, right.of)
  return right.kind === 'map' && areComparable(left.key, right.key) && areComparable(left.of, right.of)
}

/** What `in` compares with: elements of a list, keys of a map. */
function soughtIn(range: Type | undefined): Type | undefined {
  if (range === undefined || range === 'dyn') return range
  if (typeof range === 'string') return undefined
  return range.kind === 'list' ? range.of : range.key
}

function elementAt(from: Type | undefined, at: Type | undefined): Type | undefined {
  if (from === 'dyn') return 'dyn'
  if (from === undefined || at === undefined || typeof from === 'string') return undefined
  if (from.kind === 'map') return areComparable(from.key, at) ? from.of : undefined
  return at === 'dyn' || at === 'int' ? from.of : undefined
}

/** The type that all are of, `dyn` if there is none. */
function unified(types: readonly Type[]): Type {
  const [first = 'dyn', ...rest] = types
  return rest.every((type) => textOf(type) === textOf(first)) ? first : 'dyn'
}

function textOf(type: Type): string {
  if (typeof type === 'string') return type
  return type.kind === 'list' ? `list(${textOf(type.of)})` : `map(${textOf(type.key)}, ${textOf(type.of)})`
}
