import type { z } from 'zod'
import { toRfc3339 } from '../../domain/time.ts'
import type { LimitFact, ModelFact, NodeFact } from '../../tenancy/facts.ts'
import { inheritedLimits, type Lineage } from '../../tenancy/groups/inherit.ts'
import type { Group, GroupModelInput } from './schemas.ts'

type WireGroup = z.output<typeof Group>
type WireModel = WireGroup['models'][number]
type WireRateLimit = WireModel['rate_limits'][number]
type WireUsageLimit = WireModel['usage_limits'][number]

const metrics = { TOKEN: 'token', REQUEST: 'request' } as const
const units = { SECOND: 'second', MINUTE: 'minute', DAY: 'day' } as const
const types = { token: 'TOKEN', request: 'REQUEST' } as const

/** A group in its wire form. Its ancestors give the limits that it inherits. */
export function toGroup(lineage: Lineage): WireGroup {
  const [node] = lineage
  return {
    id: node.id,
    metadata: toMetadata(node),
    models: node.models.map(toModel),
    effective_models: node.models.map(({ slug }) => toEffectiveModel(lineage, slug)),
    hierarchy: { limit_enforcement: node.enforcement, parent_group_id: node.parentId },
    created_at: toRfc3339(node.createdAt),
  }
}

export function toMetadata({ name, externalId }: NodeFact): WireGroup['metadata'] {
  return { name, external_entity_id: externalId }
}

/** Models as a caller sends them, as facts. */
export function fromModels(models: readonly GroupModelInput[]): ModelFact[] {
  return models.map(({ slug, rate_limits, usage_limits }) => ({
    slug,
    limits: [
      ...(rate_limits ?? []).map((limit) => fromLimit('rate', limit)),
      ...(usage_limits ?? []).map((limit) => fromLimit('usage', limit)),
    ],
  }))
}

function fromLimit(family: LimitFact['family'], limit: WireRateLimit | WireUsageLimit): LimitFact {
  const { type, unit, threshold, strict } = limit
  return { family, metric: metrics[type], unit: units[unit], threshold, strict: strict === true }
}

function toModel({ slug, limits }: ModelFact): WireModel {
  return {
    slug,
    rate_limits: limits.flatMap(toRateLimit),
    usage_limits: limits.flatMap(toUsageLimit),
  }
}

function toEffectiveModel(lineage: Lineage, slug: string): WireGroup['effective_models'][number] {
  const limits = inheritedLimits(lineage, slug)
  return {
    slug,
    rate_limits: limits.flatMap(({ limit, source }) => toRateLimit(limit).map(withSource(source, limit))),
    usage_limits: limits.flatMap(({ limit, source }) => toUsageLimit(limit).map(withSource(source, limit))),
  }
}

/** `strict` stands last, where it is set. */
function withSource(source: string, limit: LimitFact) {
  return <Wire extends object>(wire: Wire) => ({ ...wire, source_group: source, ...strictness(limit) })
}

function toRateLimit(limit: LimitFact): WireRateLimit[] {
  const { metric, unit, threshold } = limit
  if (unit === 'day') return []
  const wireUnit = unit === 'second' ? 'SECOND' : 'MINUTE'
  return [{ type: types[metric], unit: wireUnit, threshold, ...strictness(limit) }]
}

function toUsageLimit(limit: LimitFact): WireUsageLimit[] {
  const { metric, unit, threshold } = limit
  return unit === 'day' ? [{ type: types[metric], unit: 'DAY', threshold, ...strictness(limit) }] : []
}

function strictness({ strict }: LimitFact): { strict?: true } {
  return strict ? { strict } : {}
}
