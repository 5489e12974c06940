import { describe, expect, test } from 'vitest'
import { databases } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { openWorld, type World } from './management-world.ts'

const groups = '/v1/gateway/groups'
const lasting = isLong ? 300 : 40

describe.each(databases())('paging on $name', ({ open }) => {
  test('neither skips nor repeats while groups come and go', async () => {
    const world = await openWorld(await open())
    const kept: string[] = []
    const doomed: string[] = []
    for (let n = 0; n < lasting; n++) {
      kept.push(await makeGroup(world, `kept-${n}`))
      doomed.push(await makeGroup(world, `doomed-${n}`))
    }

    let isWalking = true
    const churn = async () => {
      for (let n = 0; isWalking; n++) {
        const id = doomed.pop()
        if (id) await world.call('DELETE', `${groups}/${id}`)
        await makeGroup(world, `new-${n}`)
      }
    }
    const churned = churn()
    const seen = await walk(world)
    isWalking = false
    await churned

    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter((id) => kept.includes(id))).toEqual(kept)
    expect(world.bugs).toEqual([])
    await world.close()
  })
})

async function makeGroup(world: World, external_entity_id: string): Promise<string> {
  const models = [{ slug: 'aurora/lumen-2' }]
  const body = { metadata: { external_entity_id }, models, hierarchy: {} }
  return (await world.call('POST', groups, { body })).body.id
}

async function walk(world: World): Promise<string[]> {
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body } = await world.call('GET', `${groups}?limit=7${cursor && `&cursor=${cursor}`}`)
    expect(body.pagination.has_more).toBe(body.pagination.cursor !== null)
    for (const { id } of body.items) seen.push(id)
    cursor = body.pagination.cursor
  }
  return seen
}
