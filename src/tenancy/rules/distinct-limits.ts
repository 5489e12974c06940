import type { Failure } from '../../domain/failure.ts'
import type { ModelFact } from '../facts.ts'

/**
 * A slug stands once in a group; on it at most one rate limit per type, whatever its unit, and at most one usage
 * limit per type and unit.
 */
export function distinctLimits(models: readonly ModelFact[]): Failure | null {
  const slugs = new Set<string>()
  for (const { slug, limits } of models) {
    if (slugs.has(slug)) return invalid(`models: ${slug} is listed more than once`)
    slugs.add(slug)
    const kinds = new Set<string>()
    for (const { family, metric, unit } of limits) {
      const kind =
        family === 'rate' ? `rate limit of type ${metric}` : `usage limit of type ${metric} per ${unit}`
      if (kinds.has(kind)) return invalid(`models: ${slug} has more than one ${kind}`)
      kinds.add(kind)
    }
  }
  return null
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
