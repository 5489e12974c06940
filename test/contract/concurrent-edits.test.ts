import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import type { KeyFact, NodeFact } from '../../src/tenancy/facts.ts'
import { bareEnvironment, managementNodeFile } from '../setup/command.ts'
import { databases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { type Answered, type Frontier, modelOf, openFrontier } from '../setup/frontier.ts'

const writers = 16
const rounds = isLong ? 60 : 3
const editsPerWriter = isLong ? 150 : 10
const slug = 'aurora/lumen'
const tuple = 'TOKEN/MINUTE'

interface Node extends Frontier {
  readonly process: ChildProcess
  snapshot(): Promise<NodeSnapshot>
}

interface NodeSnapshot {
  readonly revision: number
  readonly nodes: readonly NodeFact[]
  readonly liveKeys: readonly Pick<KeyFact, 'id' | 'nodeId'>[]
}

const postgres = databases().find(({ name }) => name === 'Postgres')

describe.skipIf(postgres === undefined)('trees edited through two processes at once on Postgres', () => {
  let place: TestPlace
  let database: Database
  let nodes: [Node, Node]

  beforeAll(async () => {
    if (postgres === undefined) return
    place = await postgres.create()
    database = await place.open()
    // One after the other: both bring the workspaces of their file.
    nodes = [await startNode(place.url), await startNode(place.url)]
  })
  afterAll(async () => {
    for (const { process } of nodes ?? []) {
      process.disconnect()
      await once(process, 'exit')
    }
    await database?.close()
    await place?.remove()
  })

  test('a child raised while its ancestor is lowered: one of them is refused', async () => {
    const [one, two] = nodes
    for (let round = 0; round < rounds; round++) {
      const root = await createRoot(one, 100)
      const middle = await one.createGroup({ parentId: root, models: { [slug]: [] } })
      const child = await one.createGroup({ parentId: middle, models: { [slug]: [`${tuple} 50`] } })
      const answers = await Promise.all([
        setThreshold(round % 2 === 0 ? one : two, child, 100),
        setThreshold(round % 2 === 0 ? two : one, root, 60),
      ])
      const statuses = answers.map(({ status }) => status)
      expect(statuses.toSorted()).toEqual([200, 400])
    }
    await expectSound(database)
  })

  test('a child created while its parent is deleted never outlives it', async () => {
    const [one, two] = nodes
    for (let round = 0; round < rounds; round++) {
      const root = await createRoot(one, 100)
      const parent = await one.createGroup({ parentId: root, models: { [slug]: [] } })
      const [created, minted, deleted] = await Promise.all([
        createChild(one, parent, 10),
        one.request('POST', `/groups/${parent}/api_keys`, {}),
        two.request('DELETE', `/groups/${round % 2 === 0 ? root : parent}`),
      ])
      expect(deleted.status).toBe(200)
      expect([200, 404]).toContain(created.status)
      expect([200, 404]).toContain(minted.status)
      if (created.status === 200)
        for (const node of nodes)
          expect((await node.request('GET', `/groups/${created.body.id}`)).status).toBe(404)
    }
    await expectSound(database)
  })

  test('of two updates at once one comes last, whole', async () => {
    const [one, two] = nodes
    const root = await createRoot(one, 1000)
    const wishes = [
      [modelOf(slug, ['TOKEN/MINUTE 1', 'REQUEST/MINUTE 1', 'TOKEN/DAY 1'])],
      [modelOf('aurora/other', ['TOKEN/SECOND 2']), modelOf(slug, ['REQUEST/DAY 2'])],
    ]
    for (let round = 0; round < rounds; round++) {
      const answers = await Promise.all(
        [one, two].map((node, at) => node.request('PATCH', `/groups/${root}`, { models: wishes[at] })),
      )
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const { body } = await one.request('GET', `/groups/${root}`)
      expect(wishes).toContainEqual(body.models)
    }
  })

  test('one external id, sixteen creations: one group', async () => {
    for (let round = 0; round < rounds; round++) {
      const answers = await Promise.all(
        Array.from({ length: writers }, (_, at) =>
          nodes[at % 2 === 0 ? 0 : 1].request('POST', '/groups', newGroup(null, 1, `one-of-many-${round}`)),
        ),
      )
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(writers - 1).fill(400)])
    }
  })

  test(`${writers} writers leave no broken ceiling and no orphan, and both processes know what is stored`, async () => {
    const roots = await Promise.all([0, 1, 2].map(() => createRoot(nodes[0], 100)))
    const groups = [...roots]
    let areWriting = true
    const writing = Promise.all(
      Array.from({ length: writers }, (_, at) => edit(nodes[at % 2 === 0 ? 0 : 1], groups, roots, 1 + at)),
    ).finally(() => {
      areWriting = false
    })
    const [statuses, looks] = await Promise.all([writing, watch(database, () => areWriting)])
    expect(looks).toBeGreaterThan(0)
    // Every kind of outcome was met, and none but these.
    expect([...new Set(statuses.flat())].toSorted()).toEqual([200, 400, 404])

    const stored = await expectSound(database)
    for (const node of nodes) {
      const { nodes: known, liveKeys } = await node.snapshot()
      expect(sortedById(known.map(thresholdsOf))).toEqual(sortedById(stored.groups.map(withoutDepth)))
      expect(sortedById(liveKeys)).toEqual(sortedById(stored.liveKeys))
    }
    const shown = await Promise.all(nodes.map((node) => allGroups(node)))
    expect(shown[0]).toEqual(shown[1])
    expect(shown[0]?.length).toBe(stored.groups.length)
  })
})

async function startNode(url: string): Promise<Node> {
  const process = fork(managementNodeFile, [url], { env: bareEnvironment })
  const next = async () => (await once(process, 'message'))[0]
  const frontier = openFrontier(await next())
  return {
    ...frontier,
    process,
    async snapshot() {
      const answer = next()
      process.send('snapshot')
      return answer
    },
  }
}

let made = 0

function newGroup(parentId: string | null, threshold: number, externalId = `edited-${++made}`): object {
  return {
    metadata: { external_entity_id: externalId },
    models: [modelOf(slug, [`${tuple} ${threshold}`])],
    hierarchy: { parent_group_id: parentId, ...(parentId === null && { limit_enforcement: 'CASCADING' }) },
  }
}

function createRoot(node: Node, threshold: number): Promise<string> {
  return node.createGroup({ mode: 'CASCADING', models: { [slug]: [`${tuple} ${threshold}`] } })
}

function createChild(node: Node, parentId: string, threshold: number): Promise<Answered> {
  return node.request('POST', '/groups', newGroup(parentId, threshold))
}

function setThreshold(node: Node, id: string, threshold: number): Promise<Answered> {
  return node.request('PATCH', `/groups/${id}`, { models: [modelOf(slug, [`${tuple} ${threshold}`])] })
}

/** One writer: edits at random among the groups that all of them have made. Gives the statuses it met. */
async function edit(node: Node, groups: string[], roots: readonly string[], seed: number): Promise<number[]> {
  const random = randomOf(seed)
  const statuses: number[] = []
  for (let number = 0; number < editsPerWriter; number++) {
    const id = groups[Math.floor(random() * groups.length)] ?? ''
    const threshold = 1 + Math.floor(random() * 100)
    const kind = random()
    if (kind < 0.4) {
      const { status, body } = await createChild(node, id, threshold)
      if (status === 200) groups.push(body.id)
      statuses.push(status)
    } else if (kind < 0.75) statuses.push((await setThreshold(node, id, threshold)).status)
    else if (kind < 0.9) statuses.push((await node.request('POST', `/groups/${id}/api_keys`, {})).status)
    else if (!roots.includes(id)) statuses.push((await node.request('DELETE', `/groups/${id}`)).status)
  }
  return statuses
}

/** Looks at what is stored for as long as there is writing; how often it looked. */
async function watch(database: Database, areWriting: () => boolean): Promise<number> {
  let looks = 0
  for (; areWriting(); looks++) {
    await expectSound(database)
    // Each look reads all that there is.
    if (!isLong) await sleep(50)
  }
  return looks
}

interface StoredGroup {
  readonly id: string
  readonly parentId: string | null
  readonly rootId: string
  readonly depth: number
  /** By slug, metric and unit. */
  readonly thresholds: Readonly<Record<string, number>>
}

interface Stored {
  readonly groups: readonly StoredGroup[]
  readonly liveKeys: readonly { readonly id: string; readonly nodeId: string | null }[]
}

/** Reads all trees as they are at one moment, and judges them by what must hold of each. */
async function expectSound(database: Database): Promise<Stored> {
  const stored = await readAll(database)
  const byId = new Map(stored.groups.map((group) => [group.id, group]))
  const faults: string[] = []
  for (const group of stored.groups) {
    let above = group
    for (let depth = group.depth; above.parentId !== null; depth--) {
      const parent = byId.get(above.parentId)
      if (parent === undefined) {
        faults.push(`${above.id} is an orphan`)
        break
      }
      if (parent.depth !== depth - 1 || parent.rootId !== group.rootId)
        faults.push(`${above.id} is misplaced`)
      for (const [name, threshold] of Object.entries(group.thresholds))
        if (threshold > (parent.thresholds[name] ?? Infinity))
          faults.push(`${group.id} allows ${threshold} of ${name}, ${parent.id} above it less`)
      above = parent
    }
    if (group.depth > 5) faults.push(`${group.id} is too deep`)
  }
  for (const { id, nodeId } of stored.liveKeys)
    if (!byId.has(nodeId ?? '')) faults.push(`key ${id} lives on a dead group`)
  expect(faults).toEqual([])
  return stored
}

/** One statement, so that all rows are of one moment. */
async function readAll({ read }: Database): Promise<Stored> {
  const { rows } = await sql<{
    id: string
    parent_id: string | null
    root_id: string
    depth: number
    thresholds: Record<string, number> | null
    keys: string[] | null
    is_live: boolean
  }>`select id, parent_id, root_id, depth, deleted_at is null as is_live,
      (select json_object_agg(model || ' ' || metric || '/' || unit, ceiling_whole) from limits where owner_id = nodes.id) as thresholds,
      (select json_agg(keys.id) from keys where node_id = nodes.id and revoked_at is null) as keys
    from nodes`.execute(read)
  return {
    groups: rows
      .filter((row) => row.is_live)
      .map((row) => ({
        id: row.id,
        parentId: row.parent_id,
        rootId: row.root_id,
        depth: row.depth,
        thresholds: row.thresholds ?? {},
      })),
    liveKeys: rows.flatMap(({ id, keys }) => (keys ?? []).map((key) => ({ id: key, nodeId: id }))),
  }
}

function withoutDepth({ id, parentId, rootId, thresholds }: StoredGroup) {
  return { id, parentId, rootId, thresholds }
}

/** A group of a snapshot in the words of the database. */
function thresholdsOf({ id, parentId, rootId, models }: NodeFact): ReturnType<typeof withoutDepth> {
  const pairs = models.flatMap(({ slug, limits }) =>
    limits.map(({ metric, unit, threshold }) => [`${slug} ${metric}/${unit}`, threshold] as const),
  )
  return { id, parentId, rootId, thresholds: Object.fromEntries(pairs) }
}

async function allGroups(node: Node): Promise<unknown[]> {
  const all: unknown[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body } = await node.request('GET', `/groups?limit=1000${cursor && `&cursor=${cursor}`}`)
    all.push(...body.items)
    cursor = body.pagination.cursor
  }
  return all
}

function sortedById<Item extends { readonly id: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
