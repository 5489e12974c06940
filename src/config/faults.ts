import type { z } from 'zod'
import { nodeAt, type SchemaNode, settingsSchema, wordAllowed } from './json-schema.ts'

/** One thing wrong with the configuration. */
export interface Fault {
  /** The setting, such as `server.port`, the flag, the variable or the file. */
  readonly path: string
  /** What is allowed there, to be read after the path. */
  readonly message: string
  /** What was found, or that it is kept secret; left out where there is nothing to show. */
  readonly found?: string
}

/** Something that holds less than its writer may think. */
export interface Warning {
  readonly path: string
  readonly message: string
}

/** A fault on one line. */
export function wordFault({ path, message, found }: Fault): string {
  return found === undefined ? `${path}: ${message}` : `${path}: ${message}; found ${found}`
}

export function wordWarning({ path, message }: Warning): string {
  return `warning: ${path}: ${message}`
}

export function wordPath(path: readonly PropertyKey[]): string {
  return path.map(String).join('.') || '(the file)'
}

/** What the schema has against a file. `variableAt` names the variable whose value was found at a place. */
export function faultsOf(
  issues: readonly z.core.$ZodIssue[],
  variableAt: (path: readonly PropertyKey[]) => string | undefined,
): Fault[] {
  return issues.flatMap((issue) => {
    const worded = wordIssue(issue, settingsSchema())
    const showsFound = issue.code !== 'unrecognized_keys' && issue.code !== 'invalid_key'
    const variable = variableAt(issue.path)
    const found = variable === undefined ? describeFound(issue.input, issue.path) : `what ${variable} holds`
    return worded.map(({ path, message }) => ({
      path: wordPath(path),
      message,
      ...(showsFound && { found }),
    }))
  })
}

/**
 * What is wrong with a value, where, and what may stand there, as the JSON Schema `root` of the whole has it. The same
 * words whoever sent the value: the configuration file or an API.
 */
export function wordIssue(
  issue: z.core.$ZodIssue,
  root: SchemaNode,
): { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  const node = nodeAt(root, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(node?.properties ?? {}).join(', ')
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `is not a setting; known here are ${known}`,
    }))
  }
  if (issue.code === 'invalid_key') {
    const names = nodeAt(root, issue.path.slice(0, -1))?.propertyNames
    return [{ path: issue.path, message: `must have for its name ${wordAllowed(names ?? {})}` }]
  }
  const isWorded = issue.code === 'custom' && issue.message !== unworded
  return [{ path: issue.path, message: isWorded ? issue.message : `must be ${wordAllowed(node ?? {})}` }]
}

/** What a check says that was given no words of its own. */
const unworded = 'Invalid input'

/** Places where a secret stands, or would if the file had the right shape. */
const secretPlaces: ReadonlySet<PropertyKey> = new Set([
  'security',
  'api_keys',
  'api_key',
  'secrets',
  'webhook',
  'database',
  'counters',
  'value',
  'admin_username',
  'admin_password',
  'jwt',
  'extra_headers',
  'headers',
  'proxy_config',
  'connection_string',
  'azure_key_config',
  'vertex_key_config',
  'bedrock_key_config',
])

function describeFound(found: unknown, path: readonly PropertyKey[]): string {
  if (found === undefined || found === null) return 'nothing'
  if (Array.isArray(found)) return 'a list'
  if (typeof found === 'object') return 'a mapping'
  if (path.some((segment) => secretPlaces.has(segment)))
    return found === '' ? 'an empty text' : `a ${wordType(found)}`
  return shorten(JSON.stringify(found).replace(/\/\/[^/@]*@/, '//…@'))
}

function wordType(found: unknown): string {
  return typeof found === 'string' ? 'text' : typeof found
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
