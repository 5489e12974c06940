import type { Reading, Subject } from '../../limits/plan.ts'
import { chooseRoute, type Routed, type ScopedRules } from '../../rules/choose.ts'
import type { RoutingRule } from '../../rules/rule.ts'
import { type Asked, type Percentages, percentageNames, type RuleContext } from '../../rules/variables.ts'
import { ownersOf } from '../../tenancy/governance/plan.ts'
import { compiledRules } from '../../tenancy/governance/routing/compiled-rules.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import type { Room } from '../room.ts'
import type { Journey } from './journey.ts'

const defaultDepth = 10

/** Where the operator's rules send a call; null where no rule matches. */
export function routeByRules(journey: Journey, asked: Asked, room: Room): Routed | null {
  const { world, virtualKey } = journey
  const owners = virtualKey === null ? nobody : ownersOf(world, virtualKey)
  const rules: ScopedRules = {
    virtualKey: rulesOf(world, 'virtual_key', virtualKey),
    team: rulesOf(world, 'team', owners.team),
    customer: rulesOf(world, 'customer', owners.customer),
    global: compiledRules(world.routingRules('global', null)),
  }
  return chooseRoute(rules, asked, {
    context: contextOf(journey, room),
    random: room.random,
    maxDepth: world.client.routing_chain_max_depth ?? defaultDepth,
    isTargetUsable: ({ provider, keyId }) =>
      keyId === null ||
      (provider !== null && world.provider(provider)?.keys.some((key) => key.keyId === keyId) === true),
  })
}

function rulesOf(
  world: GovernanceWorld,
  scope: 'virtual_key' | 'team' | 'customer',
  owner: { readonly id: string } | null,
): readonly RoutingRule[] {
  return owner === null ? [] : compiledRules(world.routingRules(scope, owner.id))
}

const nobody = { team: null, customer: null }

function contextOf(journey: Journey, room: Room): RuleContext {
  const { world, virtualKey, operation, call } = journey
  const { team, customer } = virtualKey === null ? nobody : ownersOf(world, virtualKey)
  return {
    requestType: operation,
    headers: () => headerMap(call.exchange.headerList()),
    params: () =>
      new Map(
        [...new URLSearchParams(call.exchange.query)].map(([name, value]) => [name.toLowerCase(), value]),
      ),
    virtualKeyId: virtualKey?.id ?? '',
    virtualKeyName: virtualKey?.name ?? '',
    teamId: team?.id ?? '',
    teamName: team?.name ?? '',
    customerId: customer?.id ?? '',
    customerName: customer?.name ?? '',
    percentages: (asked) => percentagesOf(world, journey, asked, room),
  }
}

/** The first value of each. */
function headerMap(list: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = (list[at] ?? '').toLowerCase()
    if (!headers.has(name)) headers.set(name, list[at + 1] ?? '')
  }
  return headers
}

/** Which percentages a level counts for. */
const prefixes: Readonly<Record<Subject['level'], string>> = {
  provider: '',
  model: '',
  provider_config: '',
  key_model: '',
  virtual_key: 'vk_',
  team: 'team_',
  customer: 'customer_',
}

const suffixes = { cost: 'budget_used', token: 'tokens_used', request: 'request' } as const

function percentagesOf(
  world: GovernanceWorld,
  { virtualKey }: Journey,
  { provider, model }: Asked,
  room: Room,
): Percentages {
  const now = room.clock()
  const { plan } = room.governancePlans.find(world, { virtualKey, provider: provider ?? '', model }, now)
  const readings = room.counters.read(plan.rows, now)
  if (readings instanceof Promise) throw new Error('rules need counters that answer at once')
  const percentages = Object.fromEntries(percentageNames.map((name) => [name, 0])) as Record<
    keyof Percentages,
    number
  >
  for (const reading of readings) {
    const { subject, metric } = reading.row
    if (subject === null) continue
    const name = `${prefixes[subject.level]}${suffixes[metric]}` as keyof Percentages
    percentages[name] = Math.max(percentages[name], percentageOf(reading))
  }
  return percentages
}

function percentageOf({ row: { ceiling }, used }: Reading): number {
  if (used === null) return 0
  const most = ceiling.whole + ceiling.pico / 1e6
  return most === 0 ? 100 : ((used.whole + used.pico / 1e6) / most) * 100
}
