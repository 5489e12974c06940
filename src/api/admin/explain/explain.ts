import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { Explanation } from './schemas.ts'
import { toExplanation } from './shape.ts'

const asked = z.string().min(1).max(255)

export const explain = adminRoute({
  method: 'GET',
  path: '/api/admin/explain',
  operationId: 'explain',
  tag: 'Explain',
  summary: 'Explains what a call would meet',
  description:
    'Which key, group, endpoint and upstream a call would go by, the limits that it has to pass with what they have ' +
    'counted so far, and what it would get now. Nothing is charged.',
  query: z.strictObject({
    prefix: asked.describe("The key's public part, as lists show it."),
    model: asked.describe('The slug that the call names.'),
    workspace: asked.optional().describe('Needed where keys of several workspaces have the prefix.'),
  }),
  returns: Explanation,
  refuses: {
    400: 'A query that is not valid, or a prefix that several workspaces have',
    404: 'There is no such key',
  },

  async handle({ filter: { prefix, model, workspace = null }, tenancy, counters, clock }) {
    const found = await tenancy.explain(prefix, model, workspace)
    if (isFailure(found)) return found
    const readings = await counters.read(
      found.limits.map(({ row }) => row),
      clock(),
    )
    return toExplanation(model, found, readings)
  },
})
