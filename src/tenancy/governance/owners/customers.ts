import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { Operator } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { CustomerFact } from '../facts.ts'
import { type LimitsInput, noLimits, partyWording, planLimits } from '../limits/limits-plan.ts'
import { applyLimits, deleteLimits } from '../limits/owned-limits.ts'
import { canBeStored, contains, type Paging, readPageOfIds } from '../numbered-page.sql.ts'
import { newUuid } from '../uuid.ts'
import { deleteCustomer, insertCustomer, readCustomer, updateCustomer } from './customers.sql.ts'
import { deleteRulesOf, detachKeys, detachTeams } from './members.sql.ts'
import { present } from './members.ts'
import { changedMembers, nameFault } from './party.ts'
import { bury } from './tombstones.sql.ts'

/** What a customer has of its own. Members left out stay as they are. */
export interface CustomerInput {
  readonly name?: string | undefined
  readonly limits: LimitsInput
}

export interface CustomerFilter {
  readonly search: string | null
  /** None but these; null: all. */
  readonly ids: readonly string[] | null
}

export interface Customers {
  /** Oldest first. `total` counts all pages. */
  listCustomers(
    filter: CustomerFilter,
    paging: Paging,
  ): Promise<{ readonly customers: readonly CustomerFact[]; readonly total: number }>
  createCustomer(operator: Operator, input: CustomerInput): Promise<CustomerFact | Failure>
  updateCustomer(operator: Operator, id: string, input: CustomerInput): Promise<CustomerFact | Failure>
  /** Its teams and virtual keys stay, and belong to nobody. Its limits and rules go. */
  deleteCustomer(operator: Operator, id: string): Promise<CustomerFact | Failure>
}

const noCustomer: Failure = { failure: 'not_found', what: 'customer' }

const conflicts = {
  'customers(name)': { failure: 'conflict', message: 'A customer with this name already exists' },
} as const

export function customersOf(context: GovernanceContext): Customers {
  const { read, kind, write, world, counters, newUlid, random } = context
  const newId = () => newUuid(random)

  return {
    async listCustomers({ search, ids }, paging) {
      if (ids?.length === 0 || (search !== null && !canBeStored(search))) return { customers: [], total: 0 }
      let query = read.selectFrom('customers')
      if (search !== null) query = query.where(contains(kind, 'name', search))
      if (ids !== null) query = query.where('id', 'in', ids)
      const page = await readPageOfIds(query, paging)
      return { customers: present(page.ids, world().customer), total: page.total }
    },

    async createCustomer(operator, input) {
      const id = newId()
      const created = await write(
        ofInstallation(operator),
        async (it) => {
          const name = input.name ?? ''
          const fault = nameFault('Customer', name)
          if (fault) return fault
          await lockGovernance(it)
          const plan = planLimits(noLimits, input.limits, false, partyWording)
          if (isFailure(plan)) return plan

          const stamp = await it.begin()
          await insertCustomer(it.transaction, {
            id,
            name,
            calendar_aligned: input.limits.calendarAligned ? 1 : 0,
            config_hash: null,
            created_at: stamp.at,
            updated_at: stamp.at,
            revision: stamp.revision,
          })
          const limitsWrite = { it, stamp, operator, counters, newUlid, newId }
          await applyLimits(limitsWrite, { kind: 'customer', id }, noLimits, plan)
          await it.audit('CUSTOMER_CREATED', id, { customer_id: id, name })
          return id
        },
        conflicts,
      )
      return isFailure(created) ? created : (world().customer(id) ?? noCustomer)
    },

    async updateCustomer(operator, id, input) {
      const updated = await write(
        ofInstallation(operator),
        async (it) => {
          await lockGovernance(it)
          const customer = await readCustomer(it.transaction, id)
          if (customer === null) return noCustomer
          const { limits } = input
          const name = input.name ?? customer.name
          const fault = nameFault('Customer', name)
          if (fault) return fault
          const plan = planLimits(customer, limits, customer.calendarAligned, partyWording)
          if (isFailure(plan)) return plan

          const stamp = await it.begin()
          await updateCustomer(it.transaction, id, {
            name,
            calendar_aligned: (limits.calendarAligned ?? customer.calendarAligned) ? 1 : 0,
            updated_at: Math.max(stamp.at, customer.updatedAt + 1),
            revision: stamp.revision,
          })
          const limitsWrite = { it, stamp, operator, counters, newUlid, newId }
          await applyLimits(limitsWrite, { kind: 'customer', id }, customer, plan)
          await it.audit('CUSTOMER_UPDATED', id, { customer_id: id, changed: changedMembers(input) })
          return id
        },
        conflicts,
      )
      return isFailure(updated) ? updated : (world().customer(id) ?? noCustomer)
    },

    deleteCustomer(operator, id) {
      return write<CustomerFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const customer = await readCustomer(it.transaction, id)
        if (customer === null) return noCustomer
        const stamp = await it.begin()
        await detachTeams(it.transaction, id, stamp)
        await detachKeys(it.transaction, 'customer_id', id, stamp)
        await deleteRulesOf(it.transaction, 'customer', id, stamp.revision)
        await deleteLimits(it, [customer])
        await deleteCustomer(it.transaction, id)
        await bury(it.transaction, 'customer', id, stamp.revision)
        await it.audit('CUSTOMER_DELETED', id, { customer_id: id, name: customer.name })
        return customer
      })
    },
  }
}
