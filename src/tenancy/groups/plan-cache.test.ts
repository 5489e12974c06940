import { expect, test } from 'vitest'
import type { NodeFact } from '../facts.ts'
import type { Snapshot } from '../snapshot.ts'
import { group, limit, withNodes } from '../test-kit.ts'
import { openPlanCache } from './plan-cache.ts'

const slug = 'w/m'
const listing = (threshold: number) => ({ models: [{ slug, limits: [limit('token/minute', threshold)] }] })
const parent = group('parent', listing(5))
const child = group('child', { models: [{ slug, limits: [] }] }, parent)
const other = group('other', listing(9))

function ceiling(cache: ReturnType<typeof openPlanCache>, snapshot: Snapshot, node: NodeFact) {
  return cache.find(snapshot, snapshot.node(node.id) ?? node, slug)?.plan.rows[0]?.ceiling.whole
}

test('keeps a plan until its own tree is written, and the average beyond that', () => {
  const cache = openPlanCache(10)
  const before = withNodes([parent, child, other])
  const entry = cache.find(before, child, slug) ?? expect.fail('the slug is listed')
  const otherEntry = cache.find(before, other, slug)
  expect(cache.find(before, child, slug)).toBe(entry)

  const later = withNodes([{ ...parent, ...listing(6) }], before)
  expect(ceiling(cache, later, child)).toBe(6)
  expect(cache.find(later, child, slug)?.average).toBe(entry.average)
  expect(cache.find(later, other, slug)).toBe(otherEntry)
  expect(ceiling(cache, before, child)).toBe(5)
})

test('has no plan for a slug that the group does not list, whatever its parent does', () => {
  const cache = openPlanCache(10)
  const bare = group('bare', {}, parent)
  const snapshot = withNodes([parent, bare])
  expect(cache.find(snapshot, bare, slug)).toBeNull()
  expect(cache.find(snapshot, parent, 'w/other')).toBeNull()
  expect(cache.size).toBe(0)
})

test('forgets a slug once it is listed no more', () => {
  const cache = openPlanCache(10)
  const before = withNodes([parent])
  cache.find(before, parent, slug)
  const later = withNodes([{ ...parent, models: [] }], before)
  expect(cache.find(later, { ...parent, models: [] }, slug)).toBeNull()
})

test('never holds more than its bound, and makes anew what it dropped', () => {
  const cache = openPlanCache(3)
  const groups = Array.from({ length: 10 }, (_, n) => group(`g${n}`, listing(n)))
  const snapshot = withNodes(groups)
  for (const node of groups) {
    expect(ceiling(cache, snapshot, node)).toBe(Number(node.id.slice(1)))
    expect(cache.size).toBeLessThanOrEqual(3)
  }
  expect(ceiling(cache, snapshot, groups[0] ?? parent)).toBe(0)
})
