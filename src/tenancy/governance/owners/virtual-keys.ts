import { type Failure, isFailure } from '../../../domain/failure.ts'
import { type EpochMs, parseRfc3339 } from '../../../domain/time.ts'
import type { VirtualKeyTable } from '../../../store/governance-schema.ts'
import { digestCredential } from '../../keys/digest.ts'
import { seal } from '../../sealing/sealing.ts'
import type { Operator, Stamp, Write } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { ClientConfig, VirtualKeyFact } from '../facts.ts'
import { keyWording, type LimitsInput, type LimitsPlan, noLimits, planLimits } from '../limits/limits-plan.ts'
import { applyLimits, deleteLimits, type LimitsWrite } from '../limits/owned-limits.ts'
import { readSetting } from '../settings.sql.ts'
import { newUuid } from '../uuid.ts'
import { hasCustomer } from './customers.sql.ts'
import { applyMcpConfigs, type McpConfigInput, type McpConfigsPlan, planMcpConfigs } from './mcp-configs.ts'
import { deleteRulesOf } from './members.sql.ts'
import { present } from './members.ts'
import { nameFault } from './party.ts'
import {
  applyProviderConfigs,
  type ProviderConfigInput,
  type ProviderConfigsPlan,
  planProviderConfigs,
} from './provider-configs.ts'
import { rotationGraceMs } from './rotation-grace.ts'
import { readTeam } from './teams.sql.ts'
import { bury } from './tombstones.sql.ts'
import {
  deleteScopedTo,
  deleteVirtualKeyRows,
  insertVirtualKey,
  readModelLimitsOf,
  readVirtualKey,
  updateVirtualKeyRow,
  virtualKeyPlace,
} from './virtual-keys.sql.ts'

/** What a virtual key is and may use. Members left out stay as they are; of a new key, they are nothing. */
export interface VirtualKeyInput {
  readonly name?: string | null | undefined
  readonly description?: string | undefined
  readonly isActive?: boolean | undefined
  /** Null, or empty: none. To be in a team is to leave the customer, and the other way round. */
  readonly teamId?: string | null | undefined
  readonly customerId?: string | null | undefined
  /** All that the key is to have, as are the next. */
  readonly providerConfigs?: readonly ProviderConfigInput[] | undefined
  readonly mcpConfigs?: readonly McpConfigInput[] | undefined
  /** RFC 3339. Null, or empty: never. */
  readonly expiresAt?: string | null | undefined
  readonly limits: LimitsInput
}

export interface RotatedKeys {
  readonly keys: readonly VirtualKeyFact[]
  /** Ids that are no key's. */
  readonly unknown: readonly string[]
}

export interface VirtualKeys {
  /** Its value is made here. */
  createVirtualKey(operator: Operator, input: VirtualKeyInput): Promise<VirtualKeyFact | Failure>
  updateVirtualKey(operator: Operator, id: string, input: VirtualKeyInput): Promise<VirtualKeyFact | Failure>
  /** What was said of it alone goes with it: limits, of models too, rules, prices. */
  deleteVirtualKey(operator: Operator, id: string): Promise<VirtualKeyFact | Failure>
  /** Gives the key another value. The old one goes on as long as the client configuration says. */
  rotateVirtualKey(operator: Operator, id: string): Promise<VirtualKeyFact | Failure>
  /** As `rotateVirtualKey`, of each key once; all in one write. */
  rotateVirtualKeys(operator: Operator, ids: readonly string[]): Promise<RotatedKeys | Failure>
}

const noKey: Failure = { failure: 'not_found', what: 'virtual_key' }

const conflicts = {
  'virtual_keys(name)': { failure: 'conflict', message: 'A virtual key with this name already exists' },
} as const

export function virtualKeysOf(context: GovernanceContext): VirtualKeys {
  const { write, world, clock, keyring, counters, newUlid, random } = context
  const newId = () => newUuid(random)
  const limitsWrite = (it: Write, stamp: Stamp, operator: Operator): LimitsWrite => {
    return { it, stamp, operator, counters, newUlid, newId }
  }

  /** The columns of a value that is made here. */
  const newValue = (id: string): Pick<VirtualKeyTable, 'digest' | 'sealed_value'> => {
    const value = `sk-bf-${newUuid(random)}`
    return {
      digest: digestCredential(keyring, value).toString('hex'),
      sealed_value: seal(keyring, random, value, virtualKeyPlace(id)),
    }
  }

  const rotate = async (it: Write, key: VirtualKeyFact, graceMs: number): Promise<void> => {
    const { at, revision } = await it.begin()
    await updateVirtualKeyRow(it.transaction, key.id, {
      ...newValue(key.id),
      previous_digest: graceMs > 0 ? key.digest.toString('hex') : null,
      previous_until: graceMs > 0 ? at + graceMs : null,
      updated_at: Math.max(at, key.updatedAt + 1),
      revision,
    })
    await it.audit('VIRTUAL_KEY_ROTATED', key.id, { virtual_key_id: key.id, name: key.name })
  }

  return {
    async createVirtualKey(operator, input) {
      const id = newId()
      const created = await write(
        ofInstallation(operator),
        async (it) => {
          await lockGovernance(it)
          const plan = await planKey(it, null, input, clock())
          if (isFailure(plan)) return plan
          const stamp = await it.begin()
          await insertVirtualKey(it.transaction, {
            id,
            ...newValue(id),
            previous_digest: null,
            previous_until: null,
            ...plan.columns,
            config_hash: null,
            created_at: stamp.at,
            updated_at: stamp.at,
            revision: stamp.revision,
          })
          await applyPlan(limitsWrite(it, stamp, operator), id, null, plan)
          await it.audit('VIRTUAL_KEY_CREATED', id, { virtual_key_id: id, name: plan.columns.name })
          return id
        },
        conflicts,
      )
      return isFailure(created) ? created : (world().virtualKey(id) ?? noKey)
    },

    async updateVirtualKey(operator, id, input) {
      const updated = await write(
        ofInstallation(operator),
        async (it) => {
          await lockGovernance(it)
          const key = await readVirtualKey(it.transaction, id)
          if (key === null) return noKey
          const plan = await planKey(it, key, input, clock())
          if (isFailure(plan)) return plan
          const stamp = await it.begin()
          await updateVirtualKeyRow(it.transaction, id, {
            ...plan.columns,
            updated_at: Math.max(stamp.at, key.updatedAt + 1),
            revision: stamp.revision,
          })
          await applyPlan(limitsWrite(it, stamp, operator), id, key, plan)
          await it.audit('VIRTUAL_KEY_UPDATED', id, { virtual_key_id: id, changed: changedIn(input) })
          return id
        },
        conflicts,
      )
      return isFailure(updated) ? updated : (world().virtualKey(id) ?? noKey)
    },

    deleteVirtualKey(operator, id) {
      return write<VirtualKeyFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const { transaction } = it
        const key = await readVirtualKey(transaction, id)
        if (key === null) return noKey
        const { revision } = await it.begin()
        const limits = [key, ...key.providerConfigs, ...(await readModelLimitsOf(transaction, id))]
        await deleteLimits(it, limits)
        await deleteScopedTo(transaction, id, revision)
        await deleteRulesOf(transaction, 'virtual_key', id, revision)
        await deleteVirtualKeyRows(transaction, id)
        await bury(transaction, 'virtual_key', id, revision)
        await it.audit('VIRTUAL_KEY_DELETED', id, { virtual_key_id: id, name: key.name })
        return key
      })
    },

    async rotateVirtualKey(operator, id) {
      const rotated = await write(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const key = await readVirtualKey(it.transaction, id)
        if (key === null) return noKey
        await rotate(it, key, await readGraceMs(it))
        return id
      })
      return isFailure(rotated) ? rotated : (world().virtualKey(id) ?? noKey)
    },

    async rotateVirtualKeys(operator, ids) {
      if (ids.length === 0) return invalid('At least one virtual key ID is required')
      if (ids.some((id) => id.trim() === '')) return invalid('Virtual key ID cannot be empty')
      const rotated = await write<readonly string[]>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const graceMs = await readGraceMs(it)
        const known: string[] = []
        for (const id of new Set(ids)) {
          const key = await readVirtualKey(it.transaction, id)
          if (key === null) continue
          await rotate(it, key, graceMs)
          known.push(id)
        }
        return known.length > 0 ? known : noKey
      })
      if (isFailure(rotated)) return rotated
      const known = new Set(rotated)
      return {
        keys: present(rotated, world().virtualKey),
        unknown: [...new Set(ids)].filter((id) => !known.has(id)),
      }
    },
  }
}

/** What a key is to be: legal, as long as the write lasts. */
interface KeyPlan {
  readonly columns: Pick<
    VirtualKeyTable,
    'name' | 'description' | 'is_active' | 'team_id' | 'customer_id' | 'calendar_aligned' | 'expires_at'
  >
  readonly limits: LimitsPlan
  /** Null: they stay as they are. */
  readonly providerConfigs: ProviderConfigsPlan | null
  readonly mcpConfigs: McpConfigsPlan | null
}

/** Judges a wish against the key that there is, or none, rule by rule: clients see the first that is broken. */
async function planKey(
  { transaction }: Write,
  key: VirtualKeyFact | null,
  input: VirtualKeyInput,
  now: EpochMs,
): Promise<KeyPlan | Failure> {
  const name = (input.name === undefined ? key?.name : input.name) ?? ''
  const fault = nameFault('Virtual key', name)
  if (fault) return fault
  const place = placeOf(key, input)
  if (isFailure(place)) return place
  const nowhere = await missingPlace(transaction, input)
  if (nowhere) return nowhere
  const wasAligned = key?.calendarAligned ?? false
  const limits = planLimits(key ?? noLimits, input.limits, wasAligned, keyWording)
  if (isFailure(limits)) return limits
  const expiresAt = readExpiry(key, input.expiresAt, now)
  if (isFailure(expiresAt)) return expiresAt
  const calendarAligned = input.limits.calendarAligned ?? wasAligned
  const wishes = input.providerConfigs ?? resetAll(key, input.limits)
  const providerConfigs =
    wishes &&
    (await planProviderConfigs(
      transaction,
      key?.providerConfigs ?? [],
      wishes.map((wish) => withReset(wish, input.limits)),
      calendarAligned,
    ))
  if (isFailure(providerConfigs)) return providerConfigs
  const mcpConfigs =
    input.mcpConfigs === undefined
      ? null
      : await planMcpConfigs(transaction, key?.mcpConfigs ?? [], input.mcpConfigs)
  if (isFailure(mcpConfigs)) return mcpConfigs
  return {
    columns: {
      name,
      description: input.description ?? key?.description ?? '',
      is_active: (input.isActive ?? key?.isActive ?? true) ? 1 : 0,
      team_id: place.teamId,
      customer_id: place.customerId,
      calendar_aligned: calendarAligned ? 1 : 0,
      expires_at: expiresAt.at,
    },
    limits,
    providerConfigs,
    mcpConfigs,
  }
}

async function applyPlan(
  write: LimitsWrite,
  id: string,
  before: VirtualKeyFact | null,
  { limits, providerConfigs, mcpConfigs }: KeyPlan,
): Promise<void> {
  await applyLimits(write, { kind: 'virtual_key', id }, before ?? noLimits, limits)
  if (providerConfigs !== null) await applyProviderConfigs(write, id, providerConfigs)
  if (mcpConfigs !== null) await applyMcpConfigs(write.it.transaction, id, mcpConfigs)
}

function placeOf(
  key: VirtualKeyFact | null,
  { teamId, customerId }: VirtualKeyInput,
): Pick<VirtualKeyFact, 'teamId' | 'customerId'> | Failure {
  if (teamId && customerId) return invalid('VirtualKey cannot be attached to both Team and Customer')
  if (teamId) return { teamId, customerId: null }
  if (customerId) return { teamId: null, customerId }
  return {
    teamId: teamId === undefined ? (key?.teamId ?? null) : null,
    customerId: customerId === undefined ? (key?.customerId ?? null) : null,
  }
}

async function missingPlace(
  transaction: Write['transaction'],
  { teamId, customerId }: VirtualKeyInput,
): Promise<Failure | null> {
  if (teamId && (await readTeam(transaction, teamId)) === null) return invalid(`team '${teamId}' not found`)
  if (customerId && !(await hasCustomer(transaction, customerId))) {
    return invalid(`customer '${customerId}' not found`)
  }
  return null
}

/** Boxed, because no instant is an answer, too. */
function readExpiry(
  key: VirtualKeyFact | null,
  text: string | null | undefined,
  now: EpochMs,
): { readonly at: EpochMs | null } | Failure {
  if (text === undefined) return { at: key?.expiresAt ?? null }
  if (text === null || text === '') return { at: null }
  const at = parseRfc3339(text)
  if (at === null) return invalid('expires_at must be an RFC3339 timestamp')
  return at > now ? { at } : invalid('expires_at must be a future timestamp')
}

/** A reset of a key's budgets is one of its provider configs' too, whether or not these are named. */
function resetAll(key: VirtualKeyFact | null, { resetsUsage }: LimitsInput): ProviderConfigInput[] | null {
  return resetsUsage && key !== null ? key.providerConfigs.map(({ id }) => ({ id, limits: {} })) : null
}

function withReset(wish: ProviderConfigInput, { resetsUsage }: LimitsInput): ProviderConfigInput {
  return resetsUsage ? { ...wish, limits: { ...wish.limits, resetsUsage } } : wish
}

async function readGraceMs({ transaction }: Write): Promise<number> {
  return rotationGraceMs((await readSetting<ClientConfig>(transaction, 'client_config')) ?? {})
}

function changedIn({ limits, ...own }: VirtualKeyInput): string[] {
  return Object.entries({ ...own, ...limits }).flatMap(([member, value]) =>
    value === undefined ? [] : [member],
  )
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
