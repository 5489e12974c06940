import {
  type CelInput,
  type CelValue,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelUint,
} from '@bufbuild/cel'
import type { SimpleTest } from '@bufbuild/cel-spec/cel/expr/conformance/test/simple_pb.js'
import type { Value } from '@bufbuild/cel-spec/cel/expr/value_pb.js'
import { getConformanceSuite } from '@bufbuild/cel-spec/testdata/tests.js'
import { describe, expect, test } from 'vitest'
import { parseExpression, planExpression } from './cel.ts'
import { type Type, typeOf } from './check.ts'

// The language's published cases, for the part of it that rules are written in. A case is left out only by a reason
// below; how many cases run and how many each reason leaves out is counted, so none can go missing.

/** Every published file whose subject is in that part, and how many of its cases run. */
const files: Readonly<Record<string, number>> = {
  basic: 43,
  comparisons: 332,
  conversions: 76,
  fields: 49,
  fp_math: 30,
  integer_math: 64,
  lists: 39,
  logic: 30,
  macros: 44,
  parse: 193,
  plumbing: 5,
  string: 51,
}

/** What rules do not have; the first that holds for a case leaves it out. */
const reasons: readonly (readonly [reason: string, cases: number, holds: (given: Given) => boolean])[] = [
  ['protocol buffer messages', 98, ({ text }) => /TestAllTypes|google\.protobuf|GlobalEnum/.test(text)],
  ['times and durations', 5, ({ text }) => /\b(timestamp|duration)\(/.test(text)],
  ['types as values', 30, ({ text, section }) => section === 'type' || /\btype\(/.test(text)],
  ['fields in backquotes', 6, ({ section }) => section === 'quoted_map_fields'],
  [
    'variables with dots in their names',
    5,
    ({ original }) => Object.keys(original.bindings).some((name) => name.includes('.')),
  ],
]

/** Said when the expression is compiled, where the published case has it found by running it. */
const foundEarlier = new Set(['map_value_repeat_key_heterogeneous'])

interface Given {
  readonly file: string
  readonly section: string
  readonly text: string
  readonly original: SimpleTest
}

const cases = getConformanceSuite().suites.flatMap(({ name: file, suites }) =>
  suites.flatMap(({ name: section, tests }) =>
    tests.map(({ original }): Given => ({ file, section, text: original.expr, original })),
  ),
)
const inFiles = cases.filter(({ file }) => Object.hasOwn(files, file))
const reasonAgainst = (given: Given) => reasons.find(([, , holds]) => holds(given))?.[0]
const runnable = inFiles.filter((given) => reasonAgainst(given) === undefined)

describe('published cases of the language', () => {
  test.each(Object.entries(files))('%s: %d cases run', (file, count) => {
    expect(runnable.filter((given) => given.file === file)).toHaveLength(count)
  })

  test.each(reasons)('without %s: %d cases left out', (reason, count) => {
    expect(inFiles.filter((given) => reasonAgainst(given) === reason)).toHaveLength(count)
  })

  test.each(
    runnable.map(
      (given) =>
        [`${given.file}/${given.section}/${given.original.name}: ${given.text.slice(0, 60)}`, given] as const,
    ),
  )('%s', (_, { original }) => {
    expect(outcomeOf(original)).toBe(expectedOf(original))
  })
})

/** What the product makes of a case, as text that tells all types apart. */
function outcomeOf({ name, expr, bindings, disableCheck }: SimpleTest): string {
  const expression = parseExpression(expr)
  if ('fault' in expression) return expression.fault
  const types = Object.fromEntries(Object.keys(bindings).map((name): [string, Type] => [name, 'dyn']))
  if (!disableCheck) {
    const type = typeOf(expression, types)
    if (typeof type === 'object' && 'fault' in type) return type.fault
  }
  const program = planExpression(expression)
  if ('fault' in program) return foundEarlier.has(name) ? 'error' : program.fault
  const values = Object.entries(bindings).map(([variable, bound]): [string, CelInput] => {
    if (bound.kind.case !== 'value') throw new Error(`${variable} is bound to ${bound.kind.case}`)
    return [variable, inputOf(bound.kind.value)]
  })
  const outcome = program.evaluate(Object.fromEntries(values))
  return isCelError(outcome) ? 'error' : textOfResult(outcome)
}

function expectedOf({ resultMatcher }: SimpleTest): string {
  switch (resultMatcher.case) {
    case 'value':
      return textOfValue(resultMatcher.value)
    case 'evalError':
      return 'error'
    case undefined:
      return 'bool true'
    default:
      throw new Error(`a result by ${resultMatcher.case}`)
  }
}

function textOfResult(value: CelValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return `bool ${value}`
  if (typeof value === 'bigint') return `int ${value}`
  if (typeof value === 'number') return `double ${Object.is(value, -0) ? '-0' : value}`
  if (typeof value === 'string') return `string ${JSON.stringify(value)}`
  if (isCelUint(value)) return `uint ${value.value}`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (isCelList(value)) return `[${[...value].map(textOfResult).join(', ')}]`
  if (isCelMap(value)) return textOfMap([...value].map(([key, of]) => [textOfResult(key), textOfResult(of)]))
  throw new Error(`a result of type ${value}`)
}

function textOfValue({ kind }: Value): string {
  switch (kind.case) {
    case 'nullValue':
      return 'null'
    case 'boolValue':
      return `bool ${kind.value}`
    case 'int64Value':
      return `int ${kind.value}`
    case 'uint64Value':
      return `uint ${kind.value}`
    case 'doubleValue':
      return `double ${Object.is(kind.value, -0) ? '-0' : kind.value}`
    case 'stringValue':
      return `string ${JSON.stringify(kind.value)}`
    case 'bytesValue':
      return `bytes ${Buffer.from(kind.value).toString('hex')}`
    case 'listValue':
      return `[${kind.value.values.map(textOfValue).join(', ')}]`
    case 'mapValue':
      return textOfMap(kind.value.entries.map(({ key, value }) => [textOfValue(key!), textOfValue(value!)]))
    default:
      throw new Error(`a value of kind ${kind.case}`)
  }
}

function textOfMap(entries: (readonly [string, string])[]): string {
  return `{${entries
    .map(([key, value]) => `${key}: ${value}`)
    .sort()
    .join(', ')}}`
}

function inputOf({ kind }: Value): CelInput {
  switch (kind.case) {
    case 'nullValue':
      return null
    case 'uint64Value':
      return celUint(kind.value)
    case 'boolValue':
    case 'int64Value':
    case 'doubleValue':
    case 'stringValue':
    case 'bytesValue':
      return kind.value
    case 'listValue':
      return kind.value.values.map(inputOf)
    case 'mapValue':
      return new Map(kind.value.entries.map(({ key, value }) => [textKey(key!), inputOf(value!)]))
    default:
      throw new Error(`a binding of kind ${kind.case}`)
  }
}

function textKey({ kind }: Value): string {
  if (kind.case !== 'stringValue') throw new Error(`a binding with a key of kind ${kind.case}`)
  return kind.value
}
