import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { fromMemory, numbered, numberedPaging, numbersOf, readPaging } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { Team } from '../schemas.ts'
import { partyShapes } from '../shape.ts'
import { expand, readTree } from '../tree.ts'
import { visibleTo } from '../visibility.ts'

export const listTeams = governanceRoute({
  method: 'GET',
  path: '/api/governance/teams',
  operationId: 'listTeams',
  tag: 'Teams',
  summary: 'Lists teams',
  description:
    'Oldest first, with their limits, virtual keys and customers. All of them, unless `limit`, `offset` or `search` is given.',
  query: z.object({
    customer_id: z.string().optional().describe('Of this customer only.'),
    from_memory: fromMemory,
    search: z.string().optional().describe('Part of the name, whatever the case of letters from A to Z.'),
    ...numberedPaging,
    expand,
  }),
  returns: z.object({ teams: z.array(Team), ...numbered }),
  refuses: { 400: 'A parameter that is not valid' },

  async handle({ filter, ...visit }) {
    const { tenancy, principal } = visit
    const read = readPaging(filter, (filter.search ?? '') !== '')
    if (isFailure(read)) return read
    const visible = visibleTo(principal, tenancy.snapshot().governance)
    const paging = filter.from_memory ? null : read.paging
    const { teams, total } = await tenancy.listTeams(
      {
        customerId: filter.customer_id || null,
        search: (!filter.from_memory && filter.search) || null,
        ids: visible.teamIds,
      },
      paging,
    )
    const tree = await readTree(visit, { teams, expansion: filter.expand, isList: true })
    return { teams: teams.map(partyShapes(tree).team), ...numbersOf(teams.length, total, paging) }
  },
})
