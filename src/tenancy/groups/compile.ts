import type { NodeId } from '../../domain/ids.ts'
import type { Plan, PlanRow, Window } from '../../limits/plan.ts'
import type { LimitFact } from '../facts.ts'
import { type EffectiveLimit, inheritedLimits, type Lineage } from './inherit.ts'

const windows: Record<LimitFact['unit'], Window> = {
  second: { kind: 'rolling', lengthMs: 1000 },
  minute: { kind: 'rolling', lengthMs: 60_000 },
  day: { kind: 'fixed', lengthMs: 86_400_000, anchor: 0 },
}

/** Everything a call of this group on this slug has to pass; null when the slug is not among the group's own. */
export function compilePlan(lineage: Lineage, slug: string): Plan | null {
  if (!lineage[0].models.some((model) => model.slug === slug)) return null
  const rows = judgedLimits(lineage, slug).map(({ row }) => row)
  return { rows, isStrict: rows.some((row) => row.strict && row.metric !== 'request') }
}

/** A daily limit that holds for a group, and the row that it is judged by. */
export interface DailyLimit {
  readonly limit: LimitFact
  readonly row: PlanRow
}

/**
 * The daily limits that hold for a group, by slug; a slug without any is left out. Where a cascading tree has several
 * for one metric, the one declared nearest to the group, with the counter of whoever declares it.
 */
export function dailyLimits(lineage: Lineage): { readonly slug: string; readonly limits: DailyLimit[] }[] {
  return lineage[0].models.flatMap(({ slug }) => {
    const nearest = new Map<string, DailyLimit>()
    for (const effective of inheritedLimits(lineage, slug)) {
      const { limit } = effective
      if (limit.unit !== 'day' || nearest.has(limit.metric)) continue
      nearest.set(limit.metric, { limit, row: toRow(effective, slug) })
    }
    return nearest.size === 0 ? [] : [{ slug, limits: [...nearest.values()] }]
  })
}

/** Every limit that a call of this group on this slug has to pass, in order, with the row that it is judged by. */
export function judgedLimits(
  lineage: Lineage,
  slug: string,
): readonly (EffectiveLimit & { readonly row: PlanRow })[] {
  return inheritedLimits(lineage, slug).map((effective) => ({ ...effective, row: toRow(effective, slug) }))
}

/** Names of the counters that count for this group and nobody else: they mean nothing once the group is gone. */
export function ownCounters(lineage: Lineage): string[] {
  const [self] = lineage
  return self.models.flatMap(({ slug }) =>
    inheritedLimits(lineage, slug)
      .filter(({ counterOwner }) => counterOwner === self.id)
      .map(({ limit }) => counterName(self.id, slug, limit)),
  )
}

function toRow({ limit, counterOwner }: EffectiveLimit, slug: string): PlanRow {
  return {
    counter: counterName(counterOwner, slug, limit),
    generation: 0,
    metric: limit.metric,
    ceiling: { whole: limit.threshold, pico: 0 },
    window: windows[limit.unit],
    unit: limit.unit,
    strict: limit.strict,
    refundsFailed: false,
    chargedAt: limit.unit === 'day' ? 'admission' : 'completion',
    subject: null,
  }
}

/** Named for the bucket, not for its ceiling: a changed or inherited threshold keeps what was counted. */
function counterName(owner: NodeId, slug: string, { metric, unit }: LimitFact): string {
  return `${owner}:${slug}:${metric}:${unit}`
}
