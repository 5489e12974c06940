import { timingSafeEqual } from 'node:crypto'
import type { EpochMs } from '../../domain/time.ts'
import type { Charge } from '../../limits/plan.ts'
import { digestKey } from '../keys/key-table.ts'
import { emptyShardedMap, type ShardedMap } from '../sharded-map.ts'
import type {
  AuthConfig,
  ClientConfig,
  CustomerFact,
  ImportedPrices,
  McpClientFact,
  ModelConfigFact,
  ModelScope,
  PricingOverrideFact,
  ProviderFact,
  ProviderLimitsFact,
  RoutingRuleFact,
  RuleScope,
  TeamFact,
  VirtualKeyFact,
} from './facts.ts'

/** Customers, teams, virtual keys and what they may use, in one immutable view. */
export interface GovernanceWorld {
  readonly tables: GovernanceTables
  /** The key with this value now: a value before a rotation counts until its grace is over. */
  findVirtualKey(digest: Buffer, now: EpochMs): VirtualKeyFact | null
  virtualKey(id: string): VirtualKeyFact | null
  virtualKeyByName(name: string): VirtualKeyFact | null
  team(id: string): TeamFact | null
  customer(id: string): CustomerFact | null
  provider(name: string): ProviderFact | null
  /** Oldest first. */
  readonly providers: readonly ProviderFact[]
  mcpClient(id: number): McpClientFact | null
  mcpClientByName(name: string): McpClientFact | null
  modelConfig(id: string): ModelConfigFact | null
  /**
   * Those of a scope that name this model, or all models by `*`; in whatever case. Oldest first. The same
   * list as long as none of them changes.
   */
  modelConfigs(scope: ModelScope, scopeId: string | null, modelName: string): readonly ModelConfigFact[]
  providerLimits(provider: string): ProviderLimitsFact | null
  routingRule(id: string): RoutingRuleFact | null
  /** In the order in which they are tried. The same list as long as none of them changes. */
  routingRules(scope: RuleScope, scopeId: string | null): readonly RoutingRuleFact[]
  pricingOverride(id: string): PricingOverrideFact | null
  readonly client: ClientConfig
  /** Null: nobody has configured it. */
  readonly auth: AuthConfig | null
  /** Null: the prices that come with the product hold. */
  readonly importedPrices: ImportedPrices | null
}

export interface GovernanceTables {
  readonly customers: ShardedMap<CustomerFact>
  readonly teams: ShardedMap<TeamFact>
  readonly virtualKeys: ShardedMap<VirtualKeyFact>
  /** By `digestKey`, of present and previous values. */
  readonly virtualKeysByDigest: ShardedMap<VirtualKeyFact>
  readonly virtualKeysByName: ShardedMap<VirtualKeyFact>
  readonly modelConfigs: ShardedMap<ModelConfigFact>
  /** By `modelKey`. */
  readonly modelConfigsByModel: ShardedMap<readonly ModelConfigFact[]>
  readonly providerLimits: ShardedMap<ProviderLimitsFact>
  readonly routingRules: ShardedMap<RoutingRuleFact>
  /** By `scopeKey`. */
  readonly routingRulesByScope: ShardedMap<readonly RoutingRuleFact[]>
  readonly pricingOverrides: ShardedMap<PricingOverrideFact>
  readonly providers: ShardedMap<ProviderFact>
  readonly mcpClients: ShardedMap<McpClientFact>
  readonly mcpClientsByNumber: ShardedMap<McpClientFact>
  readonly mcpClientsByName: ShardedMap<McpClientFact>
}

/** By id: what an entity is now, null where it is gone. */
type Changed<Fact> = ReadonlyMap<string, Fact | null>

/** What was written since an earlier revision. */
export interface GovernanceChanges {
  readonly customers: Changed<CustomerFact>
  readonly teams: Changed<TeamFact>
  readonly virtualKeys: Changed<VirtualKeyFact>
  readonly modelConfigs: Changed<ModelConfigFact>
  readonly providerLimits: Changed<ProviderLimitsFact>
  readonly routingRules: Changed<RoutingRuleFact>
  readonly pricingOverrides: Changed<PricingOverrideFact>
  readonly providers: Changed<ProviderFact>
  readonly mcpClients: Changed<McpClientFact>
  readonly client?: ClientConfig
  readonly auth?: AuthConfig
  /** Null: back to those that come with the product. */
  readonly importedPrices?: ImportedPrices | null
  /**
   * What operators have added to what counters count in one period; less than nothing takes it back. Not part of the
   * view: whoever counts is told of them, of each once.
   */
  readonly adjustments: readonly Charge[]
}

/** Nothing was written. */
export const noGovernanceChanges: GovernanceChanges = {
  customers: new Map(),
  teams: new Map(),
  virtualKeys: new Map(),
  modelConfigs: new Map(),
  providerLimits: new Map(),
  routingRules: new Map(),
  pricingOverrides: new Map(),
  providers: new Map(),
  mcpClients: new Map(),
  adjustments: [],
}

export function emptyGovernanceWorld(): GovernanceWorld {
  return worldOf(
    {
      customers: emptyShardedMap(),
      teams: emptyShardedMap(),
      virtualKeys: emptyShardedMap(),
      virtualKeysByDigest: emptyShardedMap(),
      virtualKeysByName: emptyShardedMap(),
      modelConfigs: emptyShardedMap(),
      modelConfigsByModel: emptyShardedMap(),
      providerLimits: emptyShardedMap(),
      routingRules: emptyShardedMap(),
      routingRulesByScope: emptyShardedMap(),
      pricingOverrides: emptyShardedMap(),
      providers: emptyShardedMap(),
      mcpClients: emptyShardedMap(),
      mcpClientsByNumber: emptyShardedMap(),
      mcpClientsByName: emptyShardedMap(),
    },
    [],
    { client: {}, auth: null, importedPrices: null },
  )
}

/** The next view. Costs what has changed, and the number of providers where one of them has. */
export function advanceGovernance(world: GovernanceWorld, changes: GovernanceChanges): GovernanceWorld {
  const { tables } = world
  const { virtualKeys, modelConfigs, routingRules, mcpClients } = changes
  const next: GovernanceTables = {
    customers: tables.customers.with(changes.customers),
    teams: tables.teams.with(changes.teams),
    virtualKeys: tables.virtualKeys.with(virtualKeys),
    virtualKeysByDigest: reindexed(tables.virtualKeysByDigest, tables.virtualKeys, virtualKeys, digestsOf),
    virtualKeysByName: reindexed(tables.virtualKeysByName, tables.virtualKeys, virtualKeys, nameOf),
    modelConfigs: tables.modelConfigs.with(modelConfigs),
    modelConfigsByModel: regrouped(
      tables.modelConfigsByModel,
      tables.modelConfigs,
      modelConfigs,
      ({ scope, scopeId, modelName }) => modelKey(scope, scopeId, modelName),
      oldestFirst,
    ),
    providerLimits: tables.providerLimits.with(changes.providerLimits),
    routingRules: tables.routingRules.with(routingRules),
    routingRulesByScope: regrouped(
      tables.routingRulesByScope,
      tables.routingRules,
      routingRules,
      ({ scope, scopeId }) => scopeKey(scope, scopeId),
      firstTriedFirst,
    ),
    pricingOverrides: tables.pricingOverrides.with(changes.pricingOverrides),
    providers: tables.providers.with(changes.providers),
    mcpClients: tables.mcpClients.with(mcpClients),
    mcpClientsByNumber: reindexed(tables.mcpClientsByNumber, tables.mcpClients, mcpClients, ({ id }) => [
      String(id),
    ]),
    mcpClientsByName: reindexed(tables.mcpClientsByName, tables.mcpClients, mcpClients, nameOf),
  }
  const providers =
    changes.providers.size === 0 ? world.providers : [...next.providers.values()].sort(oldestFirst)
  const { client = world.client, auth = world.auth, importedPrices = world.importedPrices } = changes
  return worldOf(next, providers, { client, auth, importedPrices })
}

function worldOf(
  tables: GovernanceTables,
  providers: readonly ProviderFact[],
  settings: Pick<GovernanceWorld, 'client' | 'auth' | 'importedPrices'>,
): GovernanceWorld {
  return {
    tables,
    findVirtualKey(digest, now) {
      const key = tables.virtualKeysByDigest.get(digestKey(digest))
      if (key === undefined) return null
      if (timingSafeEqual(key.digest, digest)) return key
      const { previous } = key
      const isInGrace = previous !== null && now < previous.until && timingSafeEqual(previous.digest, digest)
      return isInGrace ? key : null
    },
    virtualKey: (id) => tables.virtualKeys.get(id) ?? null,
    virtualKeyByName: (name) => tables.virtualKeysByName.get(name) ?? null,
    team: (id) => tables.teams.get(id) ?? null,
    customer: (id) => tables.customers.get(id) ?? null,
    provider: (name) => tables.providers.get(name) ?? null,
    providers,
    mcpClient: (id) => tables.mcpClientsByNumber.get(String(id)) ?? null,
    mcpClientByName: (name) => tables.mcpClientsByName.get(name) ?? null,
    modelConfig: (id) => tables.modelConfigs.get(id) ?? null,
    modelConfigs: (scope, scopeId, modelName) =>
      tables.modelConfigsByModel.get(modelKey(scope, scopeId, modelName)) ?? noConfigs,
    providerLimits: (provider) => tables.providerLimits.get(provider) ?? null,
    routingRule: (id) => tables.routingRules.get(id) ?? null,
    routingRules: (scope, scopeId) => tables.routingRulesByScope.get(scopeKey(scope, scopeId)) ?? noRules,
    pricingOverride: (id) => tables.pricingOverrides.get(id) ?? null,
    ...settings,
  }
}

const noConfigs: readonly ModelConfigFact[] = []
const noRules: readonly RoutingRuleFact[] = []

function digestsOf({ digest, previous }: VirtualKeyFact): string[] {
  return previous === null ? [digestKey(digest)] : [digestKey(digest), digestKey(previous.digest)]
}

function nameOf({ name }: { readonly name: string }): string[] {
  return [name]
}

/** Scopes have no spaces, so two pairs never make one key. */
function scopeKey(scope: string, scopeId: string | null): string {
  return `${scope} ${scopeId ?? ''}`
}

/** Model names may have spaces and scope ids too, so their length tells where one ends. */
function modelKey(scope: ModelScope, scopeId: string | null, modelName: string): string {
  return `${scopeId?.length ?? 0} ${scopeKey(scope, scopeId)} ${modelName.toLowerCase()}`
}

interface Aged {
  readonly createdAt: EpochMs
  readonly id: string | number
}

function oldestFirst(left: Aged, right: Aged): number {
  return left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1)
}

function firstTriedFirst(left: RoutingRuleFact, right: RoutingRuleFact): number {
  return left.priority - right.priority || oldestFirst(right, left)
}

/** A second index with the names that entities have now, and without those that they had. */
function reindexed<Fact extends { readonly id: string | number }>(
  index: ShardedMap<Fact>,
  before: ShardedMap<Fact>,
  changes: Changed<Fact>,
  namesOf: (fact: Fact) => readonly string[],
): ShardedMap<Fact> {
  const next = new Map<string, Fact | null>()
  for (const id of changes.keys()) {
    const old = before.get(id)
    for (const name of old ? namesOf(old) : []) if (index.get(name)?.id === old?.id) next.set(name, null)
  }
  for (const fact of changes.values()) {
    for (const name of fact ? namesOf(fact) : []) next.set(name, fact)
  }
  return index.with(next)
}

/** Lists of entities by a key of theirs. */
function regrouped<Fact extends Aged>(
  index: ShardedMap<readonly Fact[]>,
  before: ShardedMap<Fact>,
  changes: Changed<Fact>,
  keyOf: (fact: Fact) => string,
  order: (left: Fact, right: Fact) => number,
): ShardedMap<readonly Fact[]> {
  const next = new Map<string, Fact[]>()
  const listAt = (key: string): Fact[] => {
    const list = next.get(key) ?? [...(index.get(key) ?? [])]
    next.set(key, list)
    return list
  }
  for (const [id, fact] of changes) {
    const old = before.get(id)
    if (old !== undefined) remove(listAt(keyOf(old)), old)
    if (fact !== null) listAt(keyOf(fact)).push(fact)
  }
  return index.with(new Map([...next].map(([key, list]) => [key, list.length > 0 ? list.sort(order) : null])))
}

function remove<Fact>(list: Fact[], fact: Fact): void {
  const at = list.indexOf(fact)
  if (at >= 0) list.splice(at, 1)
}
