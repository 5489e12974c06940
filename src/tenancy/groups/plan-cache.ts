import type { NodeId } from '../../domain/ids.ts'
import { type MovingAverage, newMovingAverage } from '../../limits/estimate.ts'
import type { Plan } from '../../limits/plan.ts'
import type { NodeFact } from '../facts.ts'
import type { Snapshot } from '../snapshot.ts'
import { compilePlan } from './compile.ts'
import { lineageOf } from './inherit.ts'

/** What is kept for one group and slug. */
export interface PlanEntry {
  readonly plan: Plan
  /** Length of the group's answers on this slug. Outlives the plan: a changed limit does not change the answers. */
  readonly average: MovingAverage
}

export interface PlanCache {
  /**
   * The plan of a group on a slug as `snapshot` has it; null when the slug is not among the group's own.
   * `node` comes from the same snapshot. Two lookups when nothing in the tree has changed, else one compilation.
   */
  find(snapshot: Snapshot, node: NodeFact, slug: string): PlanEntry | null
  /** Plans held. */
  readonly size: number
}

interface Kept extends PlanEntry {
  readonly stamp: number
}

/** Keeps about `bound` plans; the groups that came first are dropped first, and compiled again when they call. */
export function openPlanCache(bound: number): PlanCache {
  const groups = new Map<NodeId, Map<string, Kept>>()
  let size = 0

  const keep = (node: NodeFact, slug: string, entry: Kept) => {
    const slugs = groups.get(node.id) ?? new Map<string, Kept>()
    if (slugs.size === 0) groups.set(node.id, slugs)
    if (!slugs.has(slug)) size++
    slugs.set(slug, entry)
    for (const [oldest, dropped] of groups) {
      if (size <= bound || oldest === node.id) break
      groups.delete(oldest)
      size -= dropped.size
    }
  }

  return {
    get size() {
      return size
    },
    find(snapshot, node, slug) {
      const stamp = snapshot.treeStamp(node.rootId)
      const kept = groups.get(node.id)?.get(slug)
      if (kept?.stamp === stamp) return kept
      const lineage = lineageOf(node, snapshot.node)
      const plan = lineage && compilePlan(lineage, slug)
      if (plan === null) return null
      const entry = { plan, stamp, average: kept?.average ?? newMovingAverage() }
      keep(node, slug, entry)
      return entry
    },
  }
}
