import type { z } from 'zod'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import { toRfc3339 } from '../../../domain/time.ts'
import type { Reading } from '../../../limits/plan.ts'
import type { Explained } from '../../../tenancy/groups/explain.ts'
import type { EffectiveLimit } from '../../../tenancy/groups/inherit.ts'
import type { Explanation } from './schemas.ts'

type Wire = z.output<typeof Explanation>
type WireLimit = Wire['limits'][number]
type Verdict = Wire['verdict']

const types = { request: 'REQUEST', token: 'TOKEN' } as const
const units = {
  second: { unit: 'SECOND', kind: 'ROLLING', seconds: 1 },
  minute: { unit: 'MINUTE', kind: 'ROLLING', seconds: 60 },
  day: { unit: 'DAY', kind: 'PERIOD', seconds: 86_400 },
} as const

/** What was found, with what the limits have counted: one reading for each limit, in their order. */
export function toExplanation(model: string, found: Explained, readings: readonly Reading[]): Wire {
  const { key, group, isListed, endpoint, target } = found
  const limits = found.limits.flatMap((limit, at) => {
    const reading = readings[at]
    return reading ? [toLimit(limit, reading)] : []
  })
  return {
    verdict: verdictOf(found, limits),
    key: {
      prefix: key.prefix,
      name: key.name,
      workspace_id: key.workspaceId,
      revoked: key.isRevoked,
    },
    group: group && {
      id: group.id,
      name: group.name,
      external_entity_id: group.externalId,
      limit_enforcement: group.enforcement,
      lists_model: isListed,
    },
    model,
    endpoint: endpoint && {
      id: endpoint.id,
      region: endpoint.region,
      provider: endpoint.targets[0].provider,
    },
    upstream:
      target === null || isFailure(target)
        ? null
        : {
            base_url: target.baseUrl,
            model: target.upstreamModel,
            region: target.region,
            has_api_key: target.apiKey !== null,
          },
    limits,
  }
}

function toLimit({ limit, source, counterOwner }: EffectiveLimit, reading: Reading): WireLimit {
  const { unit, kind, seconds } = units[limit.unit]
  const { used, held, endsAt, opening } = reading
  return {
    type: types[limit.metric],
    unit,
    strict: limit.strict,
    ceiling: limit.threshold,
    used: used?.whole ?? 0,
    held: held.whole,
    window: { kind, seconds, ends_at: endsAt === null ? null : toRfc3339(endsAt) },
    source_group: source,
    counter_group: counterOwner,
    refuses: opening !== null,
    only_held: opening?.onlyHeld ?? false,
    opens_at: typeof opening?.at === 'number' ? toRfc3339(opening.at) : null,
  }
}

/** In the order in which a call is judged. */
function verdictOf(found: Explained, limits: readonly WireLimit[]): Verdict {
  const { key, group, isListed, endpoint, target } = found
  if (key.isRevoked) return refused(401, 'The key was revoked.')
  if (group === null) return refused(401, "The key's group was deleted.")
  if (!isListed) return refused(404, "The key's group does not list the model.")
  if (endpoint === null) return refused(404, 'The workspace has no endpoint for the model.')
  if (target !== null && isFailure(target)) return refused(502, wordTarget(target))
  const refusing = limits.filter(({ refuses }) => refuses)
  const [first] = refusing
  if (first === undefined)
    return { admits: true, status: 200, reason: 'Every limit has room.', opens_at: null }
  const openings = refusing.map(({ opens_at }) => opens_at)
  const opensAt = openings.includes(null) ? null : (openings.map(String).sort(byTime).at(-1) ?? null)
  const reason = `${first.type}/${first.unit} of group ${first.source_group} has no room${refusing.length > 1 ? `, nor have ${refusing.length - 1} others` : ''}.`
  return { ...refused(429, reason), opens_at: opensAt }
}

function byTime(a: string, b: string): number {
  return Date.parse(a) - Date.parse(b)
}

function refused(status: number, reason: string): Verdict {
  return { admits: false, status, reason, opens_at: null }
}

function wordTarget(failure: Failure): string {
  return 'message' in failure ? failure.message : 'The endpoint leads nowhere.'
}
