import type { Failure } from '../../domain/failure.ts'
import type { Enforcement, NodeFact } from '../facts.ts'

const deepestLevel = 5

/** A tree has five levels at most, its root being the first. */
export function withinDepth(parent: NodeFact | null): Failure | null {
  if (parent === null || parent.depth < deepestLevel) return null
  return { failure: 'invalid', message: `A group may stand at most ${deepestLevel} levels deep.` }
}

/** A tree has one mode: a child that names one must name its parent's. */
export function oneModePerTree(parent: NodeFact | null, enforcement: Enforcement | null): Failure | null {
  if (parent === null || enforcement === null || enforcement === parent.enforcement) return null
  return {
    failure: 'invalid',
    message: `hierarchy.limit_enforcement must be ${parent.enforcement}, as its parent's.`,
  }
}
