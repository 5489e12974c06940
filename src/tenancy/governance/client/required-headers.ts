import type { Pattern } from '../../../rules/pattern.ts'
import type { ClientConfig } from '../facts.ts'
import { resolveText, type Variable, variableIn } from '../routing/variables.ts'

/** A header that calls of models must have. */
export interface RequiredHeader {
  /** As the operator spells it. */
  readonly name: string
  /** In lower case. */
  readonly header: string
  /** Whether a value is one that the operator wants; what has no value at all is missing, and not asked about. */
  accepts(value: string): boolean
}

/** A member of a configuration that could never act. */
export interface ClientFault {
  /** Within the configuration: `required_headers.X-Tenant`. */
  readonly path: string
  readonly message: string
}

/** What stands in the setting for any value. */
const anyValues: ReadonlySet<string> = new Set(['*', ''])
/** Without any of these a pattern is a text that stands for itself. */
const special = /[\\^$.|?*+()[\]{}]/

/** The first thing wrong with the headers that a configuration demands; null if nothing is. */
export async function requiredHeadersFault(
  { required_headers: wanted }: Pick<ClientConfig, 'required_headers'>,
  variable: Variable,
): Promise<ClientFault | null> {
  for (const [name, value] of valuesOf(wanted)) {
    const fault = variableIn(value) === null ? await patternFault(value) : unsetFault(value, variable)
    if (fault !== null) return { path: `required_headers.${name}`, message: fault }
  }
  return null
}

async function patternFault(text: string): Promise<string | null> {
  if (anyValues.has(text)) return null
  const pattern = await wholePattern(text)
  return pattern !== null && 'fault' in pattern ? pattern.fault : null
}

function unsetFault(reference: string, variable: Variable): string | null {
  return resolveText(reference, variable) === undefined
    ? `${variableIn(reference)} is not set in the environment`
    : null
}

/** Makes ready what a configuration demands, before any call is held to it. */
export async function compileRequiredHeaders(client: ClientConfig, variable: Variable): Promise<void> {
  const { required_headers: wanted } = client
  const names = isNames(wanted) ? wanted.map((name) => [name, '*'] as const) : []
  const headers: RequiredHeader[] = []
  for (const [name, value] of [...names, ...valuesOf(wanted)])
    headers.push({ name, header: name.toLowerCase(), accepts: await testOf(value, variable) })
  compiled.set(client, headers)
}

const compiled = new WeakMap<ClientConfig, readonly RequiredHeader[]>()

/** The headers that a configuration of the current view demands, in its order. */
export function requiredHeadersOf(client: ClientConfig): readonly RequiredHeader[] {
  return compiled.get(client) ?? none
}

const none: readonly RequiredHeader[] = []

/** A value stands for itself, for what a variable holds, or is a pattern of all of the header. */
async function testOf(wanted: string, variable: Variable): Promise<(value: string) => boolean> {
  if (anyValues.has(wanted)) return () => true
  if (variableIn(wanted) !== null) {
    const held = resolveText(wanted, variable)
    // A variable that was there when this was written and is not now: nothing can be equal to it.
    return held === undefined ? () => false : (value) => value === held
  }
  const pattern = await wholePattern(wanted)
  if (pattern === null || 'fault' in pattern) return (value) => value === wanted
  return (value) => value === wanted || pattern.test(value)
}

/** The pattern that a whole text must match; null for a text that only stands for itself. */
async function wholePattern(text: string): Promise<Pattern | { readonly fault: string } | null> {
  if (!special.test(text)) return null
  // Its library takes a while to load, and installations without patterns need it not.
  const { compilePattern } = await import('../../../rules/pattern.ts')
  const pattern = compilePattern(text)
  return 'fault' in pattern ? pattern : compilePattern(`^(?:${text})$`)
}

function isNames(wanted: ClientConfig['required_headers']): wanted is readonly string[] {
  return Array.isArray(wanted)
}

function valuesOf(wanted: ClientConfig['required_headers']): readonly (readonly [string, string])[] {
  return wanted === undefined || isNames(wanted) ? [] : Object.entries(wanted)
}
