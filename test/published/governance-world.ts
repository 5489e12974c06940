import { randomBytes, randomUUID } from 'node:crypto'
import { isFailure } from '../../src/domain/failure.ts'
import { ulidSource } from '../../src/domain/ids.ts'
import { readCeiling, toDollars } from '../../src/domain/money.ts'
import { zero } from '../../src/domain/quantity.ts'
import { readOpenCharges } from '../../src/ledger/open-charges.sql.ts'
import { openMemoryCounters } from '../../src/limits/memory.ts'
import { type Amounts, isRefusal } from '../../src/limits/plan.ts'
import { periodOf } from '../../src/limits/window.ts'
import type { Database } from '../../src/store/database.ts'
import { nextNumber } from '../../src/tenancy/governance/context.ts'
import { budgetCounter, budgetRow, windowOfLimit } from '../../src/tenancy/governance/limits/limit-rows.ts'
import {
  keyWording,
  type LimitsInput,
  noLimits,
  planLimits,
} from '../../src/tenancy/governance/limits/limits-plan.ts'
import { applyLimits, type Owner } from '../../src/tenancy/governance/limits/owned-limits.ts'
import { virtualKeyPlace } from '../../src/tenancy/governance/owners/virtual-keys.sql.ts'
import { providerKeyPlace } from '../../src/tenancy/governance/providers/providers.sql.ts'
import { moveRevision } from '../../src/tenancy/installation.sql.ts'
import { deriveKeyring } from '../../src/tenancy/sealing/keyring.ts'
import { seal } from '../../src/tenancy/sealing/sealing.ts'
import type { Write } from '../../src/tenancy/write.ts'
import { type Answer, type CallOptions, masterKey, openWorld, type World } from './management-world.ts'

/** A virtual key as the tests want it. */
export interface KeyWish {
  readonly name: string
  readonly description?: string
  readonly teamId?: string
  readonly customerId?: string
  readonly limits?: LimitsInput
  /** With these keys of the provider, by name; all of them where they are left out. */
  readonly provider?: {
    readonly name: string
    readonly keys?: readonly string[]
    readonly limits?: LimitsInput
  }
  readonly mcpClient?: string
}

export interface AddedKey {
  readonly id: string
  readonly value: string
  readonly configId: number | null
}

/** The governance API on a loopback port, asked by an administrator. */
export interface GovernanceWorld extends Omit<World, 'call'> {
  /** The path goes on behind `/api/governance`. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>
  /** A virtual key, straight into the tables. */
  addKey(wish: KeyWish): Promise<AddedKey>
  /** A provider with keys `<name>-1`, … and at last `<name>-main`, whose secret is `secret-of-<name>`. */
  addProvider(name: string, keys?: number): Promise<void>
  addMcpClient(name: string): Promise<void>
  /** Charges a budget, as calls do. */
  spend(budgetId: string, dollars: string): Promise<void>
  /** Whether a call that this budget would be charged is let in. */
  admits(budgetId: string): boolean
  /** Of each budget, the dollars that a new process would find used. */
  usedAfterRestart(): Promise<(budgetId: string) => number>
}

const nothing: Amounts = {
  inputEstimate: 0,
  inputBound: 0,
  outputEstimate: 0,
  outputCap: null,
  defaultOutputCap: 1,
  choices: 1,
  rates: { input: 0n, output: 0n },
}

export async function openGovernance(database: Database): Promise<GovernanceWorld> {
  const { call, ...world } = await openWorld(database)
  const { tenancy, counters, now } = world
  const keyring = deriveKeyring(masterKey)
  const newUlid = ulidSource()
  const { value: adminKey } = await tenancy.createAdminKey('installation', 'tests')

  const budgetOf = (id: string) => {
    const { customers, teams, virtualKeys } = tenancy.snapshot().governance.tables
    const owners = [
      ...customers.values(),
      ...teams.values(),
      ...[...virtualKeys.values()].flatMap((key) => [key, ...key.providerConfigs]),
    ]
    const budget = owners.flatMap(({ budgets }) => budgets).find((it) => it.id === id)
    if (budget === undefined) throw new Error(`no budget ${id}`)
    return budget
  }

  const insert = async (work: (it: Write, stamp: { revision: number; at: number }) => Promise<void>) => {
    await database.transaction(async (transaction) => {
      const stamp = { revision: await moveRevision(transaction), at: now() }
      await work({ transaction, kind: database.kind, begin: async () => stamp, audit: async () => {} }, stamp)
    })
    await tenancy.refresh()
  }

  return {
    ...world,
    call: (method, path, body, options = {}) =>
      call(method, `/api/governance${path}`, {
        key: adminKey,
        ...(body === undefined ? {} : { body }),
        ...options,
      }),

    async addKey({ name, description = '', teamId = null, customerId = null, limits, provider, mcpClient }) {
      const [id, value] = [randomUUID(), `sk-bf-${randomUUID()}`]
      let configId: number | null = null
      await insert(async (it, stamp) => {
        const { transaction } = it
        const at = stamp.at
        await transaction
          .insertInto('virtual_keys')
          .values({
            id,
            name,
            description,
            digest: tenancy.digestOf(value).toString('hex'),
            sealed_value: seal(keyring, randomBytes, value, virtualKeyPlace(id)),
            previous_digest: null,
            previous_until: null,
            is_active: 1,
            team_id: teamId,
            customer_id: customerId,
            calendar_aligned: 0,
            expires_at: null,
            config_hash: null,
            created_at: at,
            updated_at: at,
            revision: stamp.revision,
          })
          .execute()
        const write = async (owner: Owner, wish: LimitsInput = {}) => {
          const plan = planLimits(noLimits, wish, false, keyWording)
          if (isFailure(plan)) throw new Error(JSON.stringify(plan))
          const operator = { actor: 'tests' }
          await applyLimits(
            { it, stamp, operator, counters, newUlid, newId: randomUUID },
            owner,
            noLimits,
            plan,
          )
        }
        await write({ kind: 'virtual_key', id }, limits)
        if (provider) {
          configId = await nextNumber(transaction, 'provider_config')
          const known = tenancy.snapshot().governance.provider(provider.name)?.keys ?? []
          const keys = known.filter(({ name: its }) => provider.keys?.includes(its) ?? true)
          await transaction
            .insertInto('provider_configs')
            .values({
              id: configId,
              virtual_key_id: id,
              position: 0,
              provider: provider.name,
              weight: '1',
              allowed_models: '["gpt-4o"]',
              blacklisted_models: '[]',
              allow_all_keys: 0,
              key_ids: JSON.stringify(keys.map(({ keyId }) => keyId)),
            })
            .execute()
          await write({ kind: 'provider_config', id: String(configId) }, provider.limits)
        }
        const client = mcpClient && tenancy.snapshot().governance.mcpClientByName(mcpClient)
        if (client) {
          await transaction
            .insertInto('mcp_configs')
            .values({
              id: await nextNumber(transaction, 'mcp_config'),
              virtual_key_id: id,
              position: 0,
              mcp_client_id: client.id,
              tools: '["*"]',
            })
            .execute()
        }
      })
      return { id, value, configId }
    },

    addProvider: (name, keys = 1) =>
      insert(async ({ transaction }, { at, revision }) => {
        const stamps = { config_hash: null, created_at: at, updated_at: at }
        await transaction
          .insertInto('providers')
          .values({
            id: await nextNumber(transaction, 'provider'),
            name,
            settings: '{}',
            sealed_secrets: null,
            is_base_url_trusted: 0,
            ...stamps,
            revision,
          })
          .execute()
        for (let left = keys; left > 0; left -= 1) {
          const keyId = randomUUID()
          await transaction
            .insertInto('provider_keys')
            .values({
              id: await nextNumber(transaction, 'provider_key'),
              key_id: keyId,
              provider: name,
              name: `${name}-${left === 1 ? 'main' : keys - left + 1}`,
              sealed_value: seal(keyring, randomBytes, `secret-of-${name}`, providerKeyPlace(keyId, 'value')),
              env_var: '',
              models: '["*"]',
              blacklisted_models: '[]',
              weight: '1',
              aliases: '{}',
              enabled: 1,
              use_for_batch_api: 0,
              description: '',
              status: '',
              sealed_cloud: null,
              ...stamps,
            })
            .execute()
        }
      }),

    addMcpClient: (name) =>
      insert(async ({ transaction }, { at, revision }) => {
        await transaction
          .insertInto('mcp_clients')
          .values({
            id: await nextNumber(transaction, 'mcp_client'),
            client_id: randomUUID(),
            name,
            connection_type: 'http',
            sealed_connection: '',
            settings: '{}',
            config_hash: null,
            created_at: at,
            updated_at: at,
            revision,
          })
          .execute()
      }),

    async spend(budgetId, dollars) {
      const budget = budgetOf(budgetId)
      const amount = readCeiling(dollars)
      if (typeof amount === 'string') throw new Error(`not an amount: ${dollars}`)
      const { startsAt, endsAt } = periodOf(windowOfLimit(budget), now())
      const charge = {
        counter: budgetCounter(budgetId),
        generation: budget.generation,
        startsAt,
        endsAt,
        amount,
      }
      counters.adjust(charge)
      await database.transaction(async (transaction) => {
        const { counter, generation } = charge
        await transaction
          .insertInto('rollups')
          .values({
            ...{ counter, generation, starts_at: startsAt, ends_at: endsAt },
            ...{ used_whole: amount.whole, used_pico: amount.pico },
          })
          .onConflict((conflict) =>
            conflict.columns(['counter', 'generation', 'starts_at']).doUpdateSet(({ eb }) => ({
              used_whole: eb('rollups.used_whole', '+', amount.whole),
              used_pico: eb('rollups.used_pico', '+', amount.pico),
            })),
          )
          .execute()
      })
    },

    admits(budgetId) {
      const plan = { rows: [budgetRow(budgetOf(budgetId), now())], isStrict: false }
      const answer = counters.reserve(plan, nothing, now())
      if (isRefusal(answer)) return false
      counters.release(answer, now())
      return true
    },

    async usedAfterRestart() {
      const restarted = openMemoryCounters()
      for await (const charges of readOpenCharges(database, now())) restarted.load(charges)
      return (id) => {
        const [reading] = restarted.read([budgetRow(budgetOf(id), now())], now())
        return toDollars(reading?.used ?? zero)
      }
    },
  }
}
