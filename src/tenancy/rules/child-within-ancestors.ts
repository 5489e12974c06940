import type { Failure } from '../../domain/failure.ts'
import type { LimitFact, ModelFact } from '../facts.ts'

/** The highest threshold that groups below declare for one slug, metric and unit. */
export interface DeclaredBelow {
  readonly slug: string
  readonly metric: LimitFact['metric']
  readonly unit: LimitFact['unit']
  readonly highest: number
}

/**
 * In a CASCADING tree no group's threshold is above that of any ancestor on the same slug, metric and unit: not
 * what is written here above those over it, nor what stands below above what is written here.
 */
export function childWithinAncestors(
  models: readonly ModelFact[],
  ancestors: readonly { readonly models: readonly ModelFact[] }[],
  below: readonly DeclaredBelow[],
): Failure | null {
  const fits = models.every(({ slug, limits }) =>
    limits.every(
      (limit) =>
        ancestors.every(({ models: above }) =>
          isWithin(
            limit,
            above.find((model) => model.slug === slug),
          ),
        ) && below.every((other) => !isSameTuple(other, slug, limit) || other.highest <= limit.threshold),
    ),
  )
  return fits ? null : { failure: 'invalid', message: 'Child group exceeds parent group limit.' }
}

function isWithin(limit: LimitFact, above: ModelFact | undefined): boolean {
  return (above?.limits ?? []).every(
    ({ metric, unit, threshold }) =>
      metric !== limit.metric || unit !== limit.unit || limit.threshold <= threshold,
  )
}

function isSameTuple(other: DeclaredBelow, slug: string, { metric, unit }: LimitFact): boolean {
  return other.slug === slug && other.metric === metric && other.unit === unit
}
