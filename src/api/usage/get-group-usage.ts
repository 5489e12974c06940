import type { z } from 'zod'
import { isFailure } from '../../domain/failure.ts'
import { toRfc3339 } from '../../domain/time.ts'
import type { Reading } from '../../limits/plan.ts'
import { type DailyLimit, dailyLimits } from '../../tenancy/groups/compile.ts'
import { route } from '../route.ts'
import { GroupUsage } from './schemas.ts'

type WireUsage = z.output<typeof GroupUsage>['usage'][string][number]

const types = { token: 'TOKEN', request: 'REQUEST' } as const

export const getGroupUsage = route({
  method: 'GET',
  path: '/v1/gateway/groups/{group_id}/usage',
  tag: 'Groups',
  summary: "Gets a group's usage",
  description:
    'What its keys have used of the daily limits that hold for it, up to the last call that has ended. In a cascading tree ' +
    'a limit that an ancestor declares shows what all groups below that ancestor have used.',
  returns: GroupUsage,
  refuses: { 403: "The group is another workspace's", 404: 'There is no such group, or it was deleted' },

  async handle({ params: { group_id = '' }, caller, tenancy, counters, now }) {
    const lineage = await tenancy.getGroup(caller.workspaceId, group_id)
    if (isFailure(lineage)) return lineage
    const bySlug = dailyLimits(lineage)
    const readings = await counters.read(
      bySlug.flatMap(({ limits }) => limits.map(({ row }) => row)),
      now,
    )
    const byCounter = new Map(readings.map((reading) => [reading.row.counter, reading]))
    return {
      customer_id: lineage[0].externalId,
      usage: Object.fromEntries(
        bySlug.map(({ slug, limits }) => [
          slug,
          limits.map((limit) => toUsage(limit, byCounter.get(limit.row.counter))),
        ]),
      ),
    }
  },
})

function toUsage({ limit: { metric, threshold } }: DailyLimit, reading: Reading | undefined): WireUsage {
  const used = reading?.used ?? null
  const endsAt = reading?.endsAt ?? null
  return {
    type: types[metric],
    unit: 'DAY',
    threshold,
    current_usage: used?.whole ?? null,
    reset_at: used === null || endsAt === null ? null : toRfc3339(endsAt),
  }
}
