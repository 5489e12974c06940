import { describe, expect, test } from 'vitest'
import { mostDatabases } from '../setup/databases.ts'
import golden from './list-groups.golden.json' with { type: 'json' }
import { openWorld } from './management-world.ts'

describe.each(mostDatabases())('List groups on $name', ({ open }) => {
  test('answers as published, member for member and in the published order', async () => {
    const world = await openWorld(await open())
    const [example] = golden.items
    if (example === undefined) throw new Error('The golden answer has a group')
    const { metadata, models, hierarchy } = example
    world.setClock(Date.parse(example.created_at))
    const made = await world.call('POST', '/v1/gateway/groups', { body: { metadata, models, hierarchy } })
    const next = { ...metadata, external_entity_id: 'cust_43' }
    await world.call('POST', '/v1/gateway/groups', { body: { metadata: next, models, hierarchy } })

    const listed = await world.call('GET', '/v1/gateway/groups?limit=1')
    const expected = JSON.stringify(golden)
      .replaceAll(example.id, made.body.id)
      .replace(golden.pagination.cursor, listed.body.pagination.cursor)
    expect(listed.text).toBe(expected)
    expect(listed.headers.get('content-type')).toMatch(/^application\/json/)
    await world.close()
  })
})
