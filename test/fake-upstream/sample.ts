import { asObject } from './script.ts'

/**
 * A small value that a JSON Schema accepts: all properties, the first of each choice.
 * Knows `const`, `enum`, `anyOf`, `type` with its lists, `properties` and `items`; no references, patterns or bounds.
 */
export function sampleOf(schema: unknown): unknown {
  const rules = asObject(schema)
  if (rules === null) return null
  if ('const' in rules) return rules.const
  if (Array.isArray(rules.enum)) return rules.enum[0]
  if (Array.isArray(rules.anyOf)) return sampleOf(rules.anyOf[0])
  switch (Array.isArray(rules.type) ? rules.type[0] : rules.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(asObject(rules.properties) ?? {}).map(([name, property]) => [
          name,
          sampleOf(property),
        ]),
      )
    case 'array':
      return [sampleOf(rules.items)]
    case 'string':
      return 'fake'
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return true
    default:
      return null
  }
}
