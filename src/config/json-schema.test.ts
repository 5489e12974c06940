import { expect, test } from 'vitest'
import { z } from 'zod'
import { publishedSchema, type SchemaNode, settingsSchema } from './json-schema.ts'

function placesOf(node: SchemaNode, path: string): { path: string; node: SchemaNode }[] {
  const members = Object.entries(node.properties ?? {}).flatMap(([name, member]) =>
    placesOf(member, path === '' ? name : `${path}.${name}`),
  )
  const { items, additionalProperties } = node
  const others = typeof additionalProperties === 'object' ? placesOf(additionalProperties, `${path}.*`) : []
  return [{ path, node }, ...members, ...(items ? placesOf(items, `${path}[]`) : []), ...others]
}

test('every setting says what it means', () => {
  const silent = placesOf(settingsSchema(), '')
    .filter(({ path }) => path !== '' && !path.endsWith('[]') && !path.endsWith('*'))
    .filter(({ node }) => (node.description ?? '') === '')
  expect(silent.map(({ path }) => path)).toEqual([])
})

const published = z.fromJSONSchema(publishedSchema() as Parameters<typeof z.fromJSONSchema>[0])

test.each([
  ['nothing', {}],
  ['numbers and texts', { server: { port: 1, host: 'h' }, ledger: { durability: 'strict' } }],
  [
    'variables in the place of any value',
    { server: { port: 'env.PORT' }, frontier: { strict_key_scheme: 'env.S' } },
  ],
  ["another gateway's sections", { providers: { openai: {} }, version: 2 }],
  ['a workspace', { frontier: { workspaces: [{ id: 'a', slug_prefixes: ['a'] }] } }],
])('the published schema accepts %s', (_, file) => {
  expect(published.safeParse(file).error).toBeUndefined()
})

test.each([
  ['an unknown member of ours', { server: { prot: 1 } }],
  ['a port out of range', { server: { port: 70_000 } }],
  ['a text for a number', { server: { port: '80' } }],
  ['a workspace without an id', { frontier: { workspaces: [{}] } }],
])('the published schema refuses %s', (_, file) => {
  expect(published.safeParse(file).success).toBe(false)
})
