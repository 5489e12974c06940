import { z } from 'zod'
import { ConfigurationFile } from './schema.ts'

/** One place of the configuration file as JSON Schema has it, with what it may be in words where a type says too little. */
export interface SchemaNode {
  readonly type?: string
  readonly description?: string
  readonly allowed?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly propertyNames?: SchemaNode
  readonly additionalProperties?: boolean | SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

let made: SchemaNode | null = null

/** The whole file, from the outside: what may be left out is not required. Made when first asked for. */
export function settingsSchema(): SchemaNode {
  if (made === null) {
    const { $defs = {}, ...root } = z.toJSONSchema(ConfigurationFile, { io: 'input' }) as DefiningNode
    made = plain(root, $defs)
  }
  return made
}

interface DefiningNode extends SchemaNode {
  readonly $defs?: Readonly<Record<string, DefiningNode>>
  readonly $ref?: string
}

/** Each place by itself: what is defined once stands in each place, and a place that may be null may be left out. */
function plain(node: DefiningNode, definitions: Readonly<Record<string, DefiningNode>>): SchemaNode {
  const { $ref, anyOf, properties, items, additionalProperties, ...own } = node
  if ($ref !== undefined) {
    return { ...plain(definitions[$ref.split('/').at(-1) ?? ''] ?? {}, definitions), ...own }
  }
  const kinds = anyOf?.filter(({ type }) => type !== 'null').map((kind) => plain(kind, definitions))
  const [only, ...others] = kinds ?? []
  if (only !== undefined && others.length === 0) return { ...only, ...own }
  return {
    ...own,
    ...(kinds && { anyOf: kinds }),
    ...(properties && { properties: mapValues(properties, (member) => plain(member, definitions)) }),
    ...(items && { items: plain(items, definitions) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'object'
          ? plain(additionalProperties, definitions)
          : additionalProperties,
    }),
  }
}

/** The place that a path of member names and indices leads to; null where the schema has none. */
export function schemaAt(path: readonly PropertyKey[]): SchemaNode | null {
  return nodeAt(settingsSchema(), path)
}

/** The place within a schema that a path leads to; null where the schema has none. */
export function nodeAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode | null {
  let node: SchemaNode | null = root
  for (const segment of path) {
    if (node === null) return null
    node = memberOf(node, String(segment))
  }
  return node
}

function memberOf({ properties, items, additionalProperties }: SchemaNode, name: string): SchemaNode | null {
  const others = typeof additionalProperties === 'object' ? additionalProperties : null
  return properties?.[name] ?? items ?? others
}

/** What a place may hold, to be read after “must be”. */
export function wordAllowed(node: SchemaNode): string {
  if (node.allowed !== undefined) return node.allowed
  if (node.enum !== undefined) {
    return node.enum.length === 2 ? node.enum.join(' or ') : `one of ${node.enum.join(', ')}`
  }
  if (node.anyOf !== undefined) return node.anyOf.map(wordAllowed).join(', or ')
  switch (node.type) {
    case 'null':
      return 'null'
    case 'boolean':
      return 'true or false'
    case 'integer':
      return `a whole number${wordRange(node)}`
    case 'number':
      return `a number${wordRange(node)}`
    case 'string':
      return `a text${wordLength(node)}`
    case 'array':
      return node.items?.properties ? 'a list of mappings' : `a list, each ${wordAllowed(node.items ?? {})}`
    default:
      return 'a mapping'
  }
}

function wordRange({ minimum, exclusiveMinimum, maximum }: SchemaNode): string {
  const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? null : maximum
  if (minimum !== undefined) return most === null ? ` from ${minimum}` : ` from ${minimum} to ${most}`
  if (exclusiveMinimum === undefined) return most === null ? '' : ` up to ${most}`
  return most === null ? ` above ${exclusiveMinimum}` : ` above ${exclusiveMinimum} and up to ${most}`
}

function wordLength({ minLength = 0, maxLength }: SchemaNode): string {
  if (maxLength !== undefined) return ` of ${minLength} to ${maxLength} characters`
  return minLength > 1 ? ` of at least ${minLength} characters` : ''
}

const referencePattern = '^env\\.[A-Za-z_][A-Za-z0-9_]*$'
const reference = { $ref: '#/$defs/environment' }

/**
 * The schema as it is published: `env.NAME` may stand for every value, of whatever type, and the default of a section
 * is that of its members.
 */
export function publishedSchema(): object {
  const { title, ...root } = withReferences(settingsSchema()) as { title?: string }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    ...root,
    $defs: {
      environment: {
        type: 'string',
        pattern: referencePattern,
        description: 'Takes the value from the environment.',
      },
    },
  }
}

function withReferences(node: SchemaNode): object {
  const { allowed, description, default: usual, ...rest } = node
  const said = {
    ...(description !== undefined && {
      description: allowed ? `${description} Allowed: ${allowed}.` : description,
    }),
    ...(usual !== undefined && node.properties === undefined && { default: usual }),
  }
  const { properties, items, additionalProperties } = node
  if (properties !== undefined || items !== undefined || typeof additionalProperties === 'object') {
    return {
      ...said,
      ...rest,
      ...(properties && { properties: mapValues(properties, withReferences) }),
      ...(items && { items: withReferences(items) }),
      ...(typeof additionalProperties === 'object' && {
        additionalProperties: withReferences(additionalProperties),
      }),
    }
  }
  return { ...said, anyOf: [rest, reference] }
}

function mapValues<Changed>(
  record: Readonly<Record<string, SchemaNode>>,
  change: (node: SchemaNode) => Changed,
): Record<string, Changed> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
