import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { Operator, Write } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { TeamFact } from '../facts.ts'
import { type LimitsInput, noLimits, partyWording, planLimits } from '../limits/limits-plan.ts'
import { applyLimits, deleteLimits } from '../limits/owned-limits.ts'
import { canBeStored, contains, type Paging, readPageOfIds } from '../numbered-page.sql.ts'
import { newUuid } from '../uuid.ts'
import { hasCustomer } from './customers.sql.ts'
import { deleteRulesOf, detachKeys } from './members.sql.ts'
import { present } from './members.ts'
import { changedMembers, nameFault, readJsonObject } from './party.ts'
import { deleteTeam, insertTeam, readTeam, updateTeam } from './teams.sql.ts'
import { bury } from './tombstones.sql.ts'

/** What a team has of its own. Members left out stay as they are. */
export interface TeamInput {
  readonly name?: string | undefined
  /** Null, or empty: none. */
  readonly customerId?: string | null | undefined
  readonly profile?: unknown
  readonly config?: unknown
  readonly claims?: unknown
  readonly limits: LimitsInput
}

export interface TeamFilter {
  readonly customerId: string | null
  readonly search: string | null
  /** None but these; null: all. */
  readonly ids: readonly string[] | null
}

export interface Teams {
  /** Oldest first. `total` counts all pages. */
  listTeams(
    filter: TeamFilter,
    paging: Paging,
  ): Promise<{ readonly teams: readonly TeamFact[]; readonly total: number }>
  createTeam(operator: Operator, input: TeamInput): Promise<TeamFact | Failure>
  updateTeam(operator: Operator, id: string, input: TeamInput): Promise<TeamFact | Failure>
  /** Its virtual keys stay, in no team. Its limits and rules go. */
  deleteTeam(operator: Operator, id: string): Promise<TeamFact | Failure>
}

const noTeam: Failure = { failure: 'not_found', what: 'team' }

const conflicts = {
  'teams(name)': { failure: 'conflict', message: 'A team with this name already exists' },
} as const

export function teamsOf(context: GovernanceContext): Teams {
  const { read, kind, write, world, counters, newUlid, random } = context
  const newId = () => newUuid(random)

  return {
    async listTeams({ customerId, search, ids }, paging) {
      const isKnown = customerId === null || world().customer(customerId) !== null
      if (!isKnown || ids?.length === 0 || (search !== null && !canBeStored(search))) {
        return { teams: [], total: 0 }
      }
      let query = read.selectFrom('teams')
      if (customerId !== null) query = query.where('customer_id', '=', customerId)
      if (search !== null) query = query.where(contains(kind, 'name', search))
      if (ids !== null) query = query.where('id', 'in', ids)
      const page = await readPageOfIds(query, paging)
      return { teams: present(page.ids, world().team), total: page.total }
    },

    async createTeam(operator, input) {
      const id = newId()
      const created = await write(
        ofInstallation(operator),
        async (it) => {
          const name = input.name ?? ''
          const fault = nameFault('Team', name)
          if (fault) return fault
          await lockGovernance(it)
          const plan = planLimits(noLimits, input.limits, false, partyWording)
          if (isFailure(plan)) return plan
          const customerId = input.customerId || null
          const stray = await strayIn(it, customerId)
          if (stray) return stray
          const objects = readObjects(input)
          if (isFailure(objects)) return objects

          const stamp = await it.begin()
          await insertTeam(it.transaction, {
            id,
            name,
            customer_id: customerId,
            calendar_aligned: input.limits.calendarAligned ? 1 : 0,
            profile: '{}',
            config: '{}',
            claims: '{}',
            ...objects,
            config_hash: null,
            created_at: stamp.at,
            updated_at: stamp.at,
            revision: stamp.revision,
          })
          await applyLimits(
            { it, stamp, operator, counters, newUlid, newId },
            { kind: 'team', id },
            noLimits,
            plan,
          )
          await it.audit('TEAM_CREATED', id, { team_id: id, name })
          return id
        },
        conflicts,
      )
      return isFailure(created) ? created : (world().team(id) ?? noTeam)
    },

    async updateTeam(operator, id, input) {
      const updated = await write(
        ofInstallation(operator),
        async (it) => {
          await lockGovernance(it)
          const team = await readTeam(it.transaction, id)
          if (team === null) return noTeam
          const { limits } = input
          const name = input.name ?? team.name
          const fault = nameFault('Team', name)
          if (fault) return fault
          const plan = planLimits(team, limits, team.calendarAligned, partyWording)
          if (isFailure(plan)) return plan
          const customerId = input.customerId === undefined ? team.customerId : input.customerId || null
          const stray = await strayIn(it, customerId)
          if (stray) return stray
          const objects = readObjects(input)
          if (isFailure(objects)) return objects

          const stamp = await it.begin()
          await updateTeam(it.transaction, id, {
            name,
            customer_id: customerId,
            calendar_aligned: (limits.calendarAligned ?? team.calendarAligned) ? 1 : 0,
            ...objects,
            updated_at: Math.max(stamp.at, team.updatedAt + 1),
            revision: stamp.revision,
          })
          const limitsWrite = { it, stamp, operator, counters, newUlid, newId }
          await applyLimits(limitsWrite, { kind: 'team', id }, team, plan)
          await it.audit('TEAM_UPDATED', id, { team_id: id, changed: changedMembers(input) })
          return id
        },
        conflicts,
      )
      return isFailure(updated) ? updated : (world().team(id) ?? noTeam)
    },

    deleteTeam(operator, id) {
      return write<TeamFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const team = await readTeam(it.transaction, id)
        if (team === null) return noTeam
        const stamp = await it.begin()
        await detachKeys(it.transaction, 'team_id', id, stamp)
        await deleteRulesOf(it.transaction, 'team', id, stamp.revision)
        await deleteLimits(it, [team])
        await deleteTeam(it.transaction, id)
        await bury(it.transaction, 'team', id, stamp.revision)
        await it.audit('TEAM_DELETED', id, { team_id: id, name: team.name })
        return team
      })
    },
  }
}

/** A customer that there is not; null where there is one, or none is named. */
async function strayIn({ transaction }: Write, customerId: string | null): Promise<Failure | null> {
  if (customerId === null) return null
  const isKnown = canBeStored(customerId) && (await hasCustomer(transaction, customerId))
  return isKnown ? null : { failure: 'invalid', message: `customer '${customerId}' not found` }
}

type ObjectColumns = { [Field in (typeof objectFields)[number]]?: string }

const objectFields = ['profile', 'config', 'claims'] as const

/** The columns of the free data that a wish has. */
function readObjects(input: TeamInput): ObjectColumns | Failure {
  const columns: ObjectColumns = {}
  for (const field of objectFields) {
    const value = input[field]
    const read = value === undefined ? null : readJsonObject(field, value)
    if (isFailure(read)) return read
    if (read !== null) columns[field] = read.text
  }
  return columns
}
