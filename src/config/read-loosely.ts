import type { Warning } from './faults.ts'
import type { SchemaNode } from './json-schema.ts'

/** A value without what the schema does not know, and what that was. */
export interface LooselyRead {
  readonly value: unknown
  readonly unknown: readonly Warning[]
}

/**
 * Reads a section of another gateway's shape: members that the schema does not know are left out with a warning, and
 * so, without one, are those that are null.
 */
export function readLoosely(value: unknown, schema: SchemaNode, path: string): LooselyRead {
  const unknown: Warning[] = []
  const read = (found: unknown, node: SchemaNode, at: string): unknown => {
    if (Array.isArray(found))
      return found.map((item, index) => (node.items ? read(item, node.items, `${at}.${index}`) : item))
    if (typeof found !== 'object' || found === null) return found
    if (node.properties === undefined) return readRecord(found, node, at)
    const known: [string, unknown][] = []
    for (const [name, member] of Object.entries(found)) {
      const place = node.properties[name]
      if (place === undefined)
        unknown.push({ path: `${at}.${name}`, message: wordUnknown(name, node.properties) })
      else if (member !== null) known.push([name, read(member, place, `${at}.${name}`)])
    }
    return Object.fromEntries(known)
  }
  const readRecord = (found: object, { additionalProperties }: SchemaNode, at: string): unknown => {
    if (typeof additionalProperties !== 'object') return found
    return Object.fromEntries(
      Object.entries(found).map(([name, member]) => [
        name,
        read(member, additionalProperties, `${at}.${name}`),
      ]),
    )
  }
  return { value: read(value, schema, path), unknown }
}

function wordUnknown(name: string, known: Readonly<Record<string, unknown>>): string {
  const [closest] = Object.keys(known)
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(name.length / 4)))
    .sort((left, right) => left.distance - right.distance)
  const hint = closest === undefined ? '' : `; did you mean ${closest.candidate}?`
  return `is not a setting that we know, and is ignored${hint}`
}

/** How many letters must be put in, left out or changed to make one word of another. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1]
    for (let index = 0; index < other.length; index += 1) {
      const changed = (row[index] ?? 0) + (other[index] === letter ? 0 : 1)
      next.push(Math.min(changed, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}
