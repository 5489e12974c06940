import type { Kysely } from 'kysely'
import type { Charge } from '../../limits/plan.ts'
import type { Schema } from '../../store/schema.ts'
import type { Keyring } from '../sealing/keyring.ts'
import { readChangedModelConfigs } from './limits/model-configs.sql.ts'
import { readChangedProviderLimits } from './limits/provider-limits.sql.ts'
import { readChangedCustomers } from './owners/customers.sql.ts'
import { readChangedTeams } from './owners/teams.sql.ts'
import { readTombstones, type TombstoneKind } from './owners/tombstones.sql.ts'
import { readChangedVirtualKeys } from './owners/virtual-keys.sql.ts'
import { readChangedPricingOverrides } from './prices/pricing-overrides.sql.ts'
import { readChangedMcpClients } from './providers/mcp-clients.sql.ts'
import { readChangedProviders } from './providers/providers.sql.ts'
import { readChangedRoutingRules } from './routing/routing-rules.sql.ts'
import type { Variable } from './routing/variables.ts'
import { readChangedSettings } from './settings.sql.ts'
import type { GovernanceChanges } from './world.ts'

/** All of it that was written since a revision, up to another one at least, as it is now. Costs what has changed. */
export async function readGovernanceChanges(
  read: Kysely<Schema>,
  keyring: Keyring,
  variable: Variable,
  since: number,
  upTo: number,
): Promise<GovernanceChanges> {
  // First, so that what is deleted meanwhile is only seen as it was, and gone with the next load.
  const goneOf = await readTombstones(read, since)
  const changed = async <Fact>(
    kind: TombstoneKind,
    facts: Promise<readonly Fact[]>,
    idOf: (fact: Fact) => string,
  ): Promise<ReadonlyMap<string, Fact | null>> => {
    const all = new Map<string, Fact | null>(goneOf(kind).map((id) => [id, null]))
    for (const fact of await facts) all.set(idOf(fact), fact)
    return all
  }
  const idOf = ({ id }: { readonly id: string }) => id
  const nameOf = ({ name }: { readonly name: string }) => name
  const [customers, teams, virtualKeys, modelConfigs, providerLimits] = await Promise.all([
    changed('customer', readChangedCustomers(read, since), idOf),
    changed('team', readChangedTeams(read, since), idOf),
    changed('virtual_key', readChangedVirtualKeys(read, since), idOf),
    changed('model_config', readChangedModelConfigs(read, since), idOf),
    changed('provider_limits', readChangedProviderLimits(read, since), ({ provider }) => provider),
  ])
  const [routingRules, pricingOverrides, providers, mcpClients, settings, adjustments] = await Promise.all([
    changed('routing_rule', readChangedRoutingRules(read, since), idOf),
    changed('pricing_override', readChangedPricingOverrides(read, since), idOf),
    changed('provider', readChangedProviders(read, keyring, variable, since), nameOf),
    changed('mcp_client', readChangedMcpClients(read, keyring, variable, since), ({ clientId }) => clientId),
    readChangedSettings(read, keyring, since),
    since === 0 ? [] : readAdjustments(read, since, upTo),
  ])
  return {
    customers,
    teams,
    virtualKeys,
    modelConfigs,
    providerLimits,
    routingRules,
    pricingOverrides,
    providers,
    mcpClients,
    ...settings,
    adjustments,
  }
}

/** What is loaded at the start has them counted already; what is newer than `upTo` comes with the next load, and once. */
async function readAdjustments(read: Kysely<Schema>, since: number, upTo: number): Promise<Charge[]> {
  const rows = await read
    .selectFrom('limit_adjustments')
    .selectAll()
    .where('revision', '>', since)
    .where('revision', '<=', upTo)
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    counter: row.counter,
    generation: row.generation,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    amount: { whole: row.amount_whole, pico: row.amount_pico },
  }))
}
