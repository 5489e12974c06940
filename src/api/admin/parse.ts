import { z } from 'zod'
import { wordIssue } from '../../config/faults.ts'
import type { SchemaNode } from '../../config/json-schema.ts'
import type { Failure } from '../../domain/failure.ts'

const nodes = new WeakMap<z.ZodType, SchemaNode>()

/** Parses what a caller sent; the failure says what the configuration file's fault would say at the same place. */
export function parseStrictly<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> | Failure {
  const parsed = schema.safeParse(value, { reportInput: true })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const [fault] = issue ? wordIssue(issue, nodeOf(schema)) : []
  const { path = [], message = 'is not valid' } = fault ?? {}
  return { failure: 'invalid', message: `${path.map(String).join('.') || '(the body)'}: ${message}` }
}

/** A body that has a name in the document stands among the definitions, and is only referred to. */
function nodeOf(schema: z.ZodType): SchemaNode {
  const known = nodes.get(schema)
  if (known) return known
  const made = z.toJSONSchema(schema, { io: 'input' }) as SchemaNode & Definitions
  const name = made.$ref?.split('/').at(-1)
  const node = name === undefined ? made : (made.$defs?.[name] ?? made)
  nodes.set(schema, node)
  return node
}

interface Definitions {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, SchemaNode>>
}
