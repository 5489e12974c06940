import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeyId } from '../domain/ids.ts'
import type { KeyFact, TargetFact } from './facts.ts'
import { noGovernanceChanges } from './governance/world.ts'
import { countersGone, emptySnapshot } from './snapshot.ts'
import { endpoint, group, limit, withNodes, workspaceId, written } from './test-kit.ts'

const target: TargetFact = { provider: 'BASETEN_MODEL_API', targetModel: 'm' }
const present = <Fact extends { id: string }>(fact: Fact) => ({ id: fact.id, fact })

describe('slugs', () => {
  const [one, two] = [endpoint('ep_1', 'w/a', target), endpoint('ep_2', 'w/b', target)]
  const before = written(emptySnapshot(), { endpoints: [one, two].map(present) })

  test('may be swapped within one write', () => {
    const swapped = [present({ ...one, slug: 'w/b' }), present({ ...two, slug: 'w/a' })]
    for (const endpoints of [swapped, swapped.toReversed()]) {
      const snapshot = written(before, { endpoints })
      expect(snapshot.endpointBySlug('w/a')?.id).toBe('ep_2')
      expect(snapshot.endpointBySlug('w/b')?.id).toBe('ep_1')
    }
  })

  test('pass from a deleted endpoint to a new one within one write', () => {
    const heir = endpoint('ep_3', 'w/a', target)
    const endpoints = [{ id: one.id, fact: null }, present(heir)]
    for (const order of [endpoints, endpoints.toReversed()]) {
      expect(written(before, { endpoints: order }).endpointBySlug('w/a')?.id).toBe('ep_3')
    }
  })

  test('an old snapshot keeps what it had', () => {
    written(before, { endpoints: [{ id: one.id, fact: null }] })
    expect(before.endpointBySlug('w/a')).toBe(one)
  })
})

test('a key is found by its whole digest, not by the beginning of it', () => {
  const digest = randomBytes(32)
  const key: KeyFact = {
    id: 'k' as KeyId,
    workspaceId,
    nodeId: null,
    style: 'federated',
    prefix: 'sky_1',
    digest,
    revoked: false,
  }
  const snapshot = written(emptySnapshot(), { keys: [key] })
  expect(snapshot.findKey(Buffer.from(digest))).toBe(key)
  for (const at of [0, 15, 16, 31]) {
    const other = Buffer.from(digest)
    other[at] = (other[at] ?? 0) ^ 1
    expect(snapshot.findKey(other)).toBeNull()
  }
})

test('a write to a tree changes its stamp and no other', () => {
  const [one, two] = [group('one'), group('two')]
  const before = withNodes([one, two])
  const later = withNodes([group('child', {}, one)], before)
  expect(later.treeStamp(one.id)).not.toBe(before.treeStamp(one.id))
  expect(later.treeStamp(two.id)).toBe(before.treeStamp(two.id))
})

test('the counters of deleted groups are named, those of living ancestors are not', () => {
  const models = [{ slug: 'w/m', limits: [limit('token/day', 5)] }]
  const root = group('root', { enforcement: 'CASCADING', models })
  const child = group('child', { models }, root)
  const changes = { id: child.id, rootId: root.id, fact: null }
  const before = withNodes([root, child])
  expect(countersGone(before, { ...emptyChanges, nodes: [changes] })).toEqual(['child:w/m:token:day'])
})

const emptyChanges = {
  revision: 2,
  workspaces: [],
  workspaceKeys: [],
  adminKeys: [],
  keys: [],
  nodes: [],
  endpoints: [],
  environments: [],
  secrets: [],
  governance: noGovernanceChanges,
}
