import type { LimitOwner } from '../tenancy/governance/file/definition.ts'
import type { Fault, Warning } from './faults.ts'
import type { GovernanceSection } from './governance-section.ts'

// A limit and its owner find each other both ways: the limit may name its owner, and the owner its limit.

/** Whose each budget and rate limit of a file is, by id, and whether its owner follows the calendar. */
export interface LimitOwners {
  readonly budgets: ReadonlyMap<string, OwnedBy>
  readonly rateLimits: ReadonlyMap<string, OwnedBy>
  readonly faults: readonly Fault[]
  readonly warnings: readonly Warning[]
}

export interface OwnedBy {
  readonly owner: LimitOwner
  readonly isAligned: boolean
}

/** Something that may own limits, and which it names. */
interface Holder extends OwnedBy {
  readonly path: string
  readonly budgetId: string | undefined
  readonly rateLimitId: string | undefined
  /** Of a provider config: what a budget may call it. */
  readonly number: string | undefined
}

export function findLimitOwners(governance: GovernanceSection): LimitOwners {
  const holders = holdersOf(governance)
  const faults: Fault[] = []
  const warnings: Warning[] = []
  const { budgets = [], rate_limits = [] } = governance

  const named = new Map(budgets.map((budget) => [budget.id, ownersNamedBy(budget, holders, faults)] as const))
  const owners = (
    section: 'budgets' | 'rate_limits',
    ids: readonly string[],
    member: 'budgetId' | 'rateLimitId',
    firstOf: (id: string) => readonly OwnedBy[],
  ): ReadonlyMap<string, OwnedBy> => {
    const found = new Map<string, OwnedBy[]>(ids.map((id) => [id, [...firstOf(id)]]))
    for (const holder of holders) {
      const id = holder[member]
      if (id === undefined) continue
      const list = found.get(id)
      const path = `${holder.path}.${section === 'budgets' ? 'budget_id' : 'rate_limit_id'}`
      if (list === undefined)
        faults.push({
          path,
          message: `must be the id of one in governance.${section}`,
          found: JSON.stringify(id),
        })
      else if (!list.some(({ owner }) => isSame(owner, holder.owner))) list.push(holder)
    }
    for (const [id, list] of found) judge(`governance.${section}.${id}`, list)
    return new Map([...found].flatMap(([id, [owner]]) => (owner === undefined ? [] : [[id, owner]])))
  }
  const judge = (path: string, list: readonly OwnedBy[]): void => {
    if (list.length > 1) {
      const who = list.map(({ owner }) => wordOwner(owner)).join(' and ')
      faults.push({ path, message: `must have one owner, and has ${list.length}: ${who}` })
    }
    if (list.length === 0) warnings.push({ path, message: 'belongs to nobody, and limits nothing' })
  }
  return {
    budgets: owners(
      'budgets',
      budgets.map(({ id }) => id),
      'budgetId',
      (id) => named.get(id) ?? [],
    ),
    rateLimits: owners(
      'rate_limits',
      rate_limits.map(({ id }) => id),
      'rateLimitId',
      () => [],
    ),
    faults,
    warnings,
  }
}

function holdersOf(governance: GovernanceSection): Holder[] {
  const { customers = [], teams = [], virtual_keys = [], model_configs = [], providers = [] } = governance
  type Entry = {
    readonly budget_id?: string | undefined
    readonly rate_limit_id?: string | undefined
    readonly calendar_aligned?: boolean | undefined
  }
  const holder = (path: string, owner: LimitOwner, entry: Entry, number?: number | string): Holder => ({
    path,
    owner,
    isAligned: entry.calendar_aligned ?? false,
    budgetId: entry.budget_id,
    rateLimitId: entry.rate_limit_id,
    number: number === undefined ? undefined : String(number),
  })
  return [
    ...customers.map((it) => holder(`governance.customers.${it.id}`, { kind: 'customer', id: it.id }, it)),
    ...teams.map((it) => holder(`governance.teams.${it.id}`, { kind: 'team', id: it.id }, it)),
    ...virtual_keys.flatMap((key) => {
      const path = `governance.virtual_keys.${key.id}`
      return [
        holder(path, { kind: 'virtual_key', id: key.id }, key),
        ...key.provider_configs.map((config, index) =>
          holder(
            `${path}.provider_configs.${index}`,
            { kind: 'provider_config', id: key.id, provider: config.provider },
            { ...config, calendar_aligned: key.calendar_aligned },
            config.id,
          ),
        ),
      ]
    }),
    ...model_configs.map(({ rate_limit_ids = [], ...it }) =>
      holder(
        `governance.model_configs.${it.id}`,
        { kind: 'model_config', id: it.id },
        { ...it, rate_limit_id: it.rate_limit_id ?? rate_limit_ids[0] },
      ),
    ),
    ...providers.map((it) =>
      holder(`governance.providers.${it.provider}`, { kind: 'provider', id: it.provider }, it),
    ),
  ]
}

const ownerMembers = {
  virtual_key_id: 'virtual_key',
  team_id: 'team',
  customer_id: 'customer',
  model_config_id: 'model_config',
} as const

/** Those that a budget names itself. One that the file does not have may be stored. */
function ownersNamedBy(
  budget: NonNullable<GovernanceSection['budgets']>[number],
  holders: readonly Holder[],
  faults: Fault[],
): OwnedBy[] {
  const owners: OwnedBy[] = []
  for (const [member, kind] of Object.entries(ownerMembers)) {
    const id = budget[member as keyof typeof ownerMembers]
    if (id === undefined) continue
    const owner = { kind, id }
    owners.push(holders.find((holder) => isSame(holder.owner, owner)) ?? { owner, isAligned: false })
  }
  if (budget.provider_config_id !== undefined) {
    const number = String(budget.provider_config_id)
    const holder = holders.find((it) => it.number === number)
    if (holder) owners.push(holder)
    else
      faults.push({
        path: `governance.budgets.${budget.id}.provider_config_id`,
        message: 'must be the id of a provider config in governance.virtual_keys',
        found: number,
      })
  }
  return owners
}

function isSame(one: LimitOwner, other: LimitOwner): boolean {
  const [provider, otherProvider] = [one, other].map((owner) =>
    owner.kind === 'provider_config' ? owner.provider : null,
  )
  return one.kind === other.kind && one.id === other.id && provider === otherProvider
}

function wordOwner(owner: LimitOwner): string {
  const name = owner.kind.replace('_', ' ')
  return owner.kind === 'provider_config'
    ? `the ${name} of ${owner.id} for ${owner.provider}`
    : `the ${name} ${owner.id}`
}
