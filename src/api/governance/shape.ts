import type { z } from 'zod'
import type { CustomerFact, TeamFact } from '../../tenancy/governance/facts.ts'
import { alignedOf, shownLimits, stampsOf } from './limits/shape.ts'
import type { Customer, Team } from './schemas.ts'
import type { Tree } from './tree.ts'
import { toNestedKey } from './virtual-keys/shape.ts'

type WireTeam = z.output<typeof Team>
type WireCustomer = z.output<typeof Customer>
type NestedTeam = WireCustomer['teams'][number]

/** What customers and teams are made into. Each once, wherever it stands: a customer may hold all teams of a list. */
export interface PartyShapes {
  team(team: TeamFact): WireTeam
  customer(customer: CustomerFact): WireCustomer
  /** A team within what belongs to it. */
  nestedTeam(team: TeamFact): NestedTeam
}

/** Teams and customers of a tree in their wire forms. */
export function partyShapes(tree: Tree): PartyShapes {
  const { expansion, counted } = tree
  const isFull = expansion === 'full'
  const key = once(
    ({ id }) => id,
    (fact: ReturnType<Tree['keysOfTeam']>[number]) => toNestedKey(fact, tree),
  )
  const keys = (facts: ReturnType<Tree['keysOfTeam']>) => (isFull ? facts.map(key) : [])

  const team = (fact: TeamFact): NestedTeam => {
    const limits = shownLimits(fact, { kind: 'team', id: fact.id }, counted)
    return {
      id: fact.id,
      name: fact.name,
      ...(fact.customerId === null ? {} : { customer_id: fact.customerId }),
      ...limits.budgetId,
      ...limits.rateLimitId,
      ...(fact.customerId === null ? {} : { customer: {} }),
      ...limits.budget,
      ...limits.budgets,
      ...limits.rateLimit,
      virtual_keys: keys(tree.keysOfTeam(fact.id)),
      profile: fact.profile,
      config: fact.config,
      claims: fact.claims,
      calendar_aligned: alignedOf(fact),
      ...stampsOf(fact),
    }
  }
  const nestedTeam = once(({ id }) => id, team)

  const customer = once(
    ({ id }) => id,
    (fact: CustomerFact): WireCustomer => {
      const limits = shownLimits(fact, { kind: 'customer', id: fact.id }, counted)
      return {
        id: fact.id,
        name: fact.name,
        ...limits.budgetId,
        ...limits.rateLimitId,
        ...limits.budget,
        ...limits.budgets,
        ...limits.rateLimit,
        teams: tree.teamsOf(fact.id).map(nestedTeam),
        virtual_keys: keys(tree.keysOfCustomer(fact.id)),
        calendar_aligned: alignedOf(fact),
        ...stampsOf(fact),
      }
    },
  )

  return {
    customer,
    nestedTeam,
    team(fact) {
      const { customer: _, ...rest } = nestedTeam(fact)
      const above = fact.customerId === null ? null : tree.world.customer(fact.customerId)
      if (above === null || expansion === 'none') return rest
      // In its place among the members, which are in the published order.
      return { ...nestedTeam(fact), customer: customer(above) }
    },
  }
}

/** Makes something of each fact once. */
function once<Fact, Wire>(idOf: (fact: Fact) => string, make: (fact: Fact) => Wire): (fact: Fact) => Wire {
  const made = new Map<string, Wire>()
  return (fact) => {
    const known = made.get(idOf(fact))
    if (known !== undefined) return known
    const wire = make(fact)
    made.set(idOf(fact), wire)
    return wire
  }
}
