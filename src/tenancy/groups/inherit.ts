import type { NodeId } from '../../domain/ids.ts'
import type { LimitFact, NodeFact } from '../facts.ts'

/** A limit as it holds for one group: who declared it, and on whose counter it counts. */
export interface EffectiveLimit {
  readonly limit: LimitFact
  readonly source: NodeId
  readonly counterOwner: NodeId
}

/** A group and its ancestors: itself first, its root last. */
export type Lineage = readonly [NodeFact, ...NodeFact[]]

/** The group and its ancestors, found by id; null when one of them is unknown. */
export function lineageOf(node: NodeFact, find: (id: NodeId) => NodeFact | null): Lineage | null {
  const lineage: [NodeFact, ...NodeFact[]] = [node]
  for (let parentId = node.parentId; parentId !== null; ) {
    const parent = find(parentId)
    if (parent === null) return null
    lineage.push(parent)
    parentId = parent.parentId
  }
  return lineage
}

/**
 * The limits that hold for a group on one slug: its own first, then upwards. The only place where the two modes
 * differ, and what both the API shows and the gateway enforces.
 *
 * CASCADING: everything that self or an ancestor declares, on the declaring group's counter, which is thus a pool.
 * INDEPENDENT: for each metric and unit the nearest declaration, on the group's own counter.
 */
export function inheritedLimits(lineage: Lineage, slug: string): readonly EffectiveLimit[] {
  const [self] = lineage
  const declared = lineage.flatMap((node) =>
    limitsOn(node, slug).map((limit) => ({ limit, source: node.id, counterOwner: node.id })),
  )
  if (self.enforcement === 'CASCADING') return declared
  const seen = new Set<string>()
  const nearest: EffectiveLimit[] = []
  for (const { limit, source } of declared) {
    const tuple = `${limit.metric}/${limit.unit}`
    if (seen.has(tuple)) continue
    seen.add(tuple)
    nearest.push({ limit, source, counterOwner: self.id })
  }
  return nearest
}

function limitsOn(node: NodeFact, slug: string): readonly LimitFact[] {
  return node.models.find((model) => model.slug === slug)?.limits ?? []
}
