import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { ProviderKeyTable } from '../../../store/governance-schema.ts'
import { seal, unseal } from '../../sealing/sealing.ts'
import type { Operator, Stamp, Write } from '../../write.ts'
import { lockGovernance, nextNumber, ofInstallation, type ProcessContext } from '../context.ts'
import type { ProviderKeyFact, ProviderSettings } from '../facts.ts'
import { deletePricingOverridesOfKey } from '../prices/pricing-overrides.sql.ts'
import { variableIn } from '../routing/variables.ts'
import { storedJson } from '../stored.ts'
import { newUuid } from '../uuid.ts'
import { badProviderKey, foldAliases, type KeyToJudge } from './provider-key-rules.ts'
import {
  type CloudBlocks,
  deleteProviderKeyRow,
  openCloud,
  providerKeyPlace,
  readKeyNamed,
  readProvider,
  readProviderKey,
  updateProviderRow,
  upsertProviderKey,
} from './providers.sql.ts'
import { keptOrNew } from './written-secrets.ts'

type Block = Readonly<Record<string, unknown>>

/** A key as it is written: what is left out stays as it is, null takes it back. */
export interface KeyChange {
  readonly name?: string | null | undefined
  readonly value?: string | null | undefined
  readonly models?: readonly string[] | null | undefined
  readonly blacklisted_models?: readonly string[] | null | undefined
  readonly weight?: number | null | undefined
  readonly aliases?: Readonly<Record<string, unknown>> | null | undefined
  readonly enabled?: boolean | null | undefined
  readonly use_for_batch_api?: boolean | null | undefined
  readonly description?: string | null | undefined
  /** Cloud blocks, such as `azure_key_config`. */
  readonly [block: `${string}_key_config`]: Block | null | undefined
}

export interface NewKey extends KeyChange {
  readonly id?: string | undefined
  readonly name: string
}

/** Credentials for providers, as operators handle them. */
export interface ProviderKeys {
  createProviderKey(operator: Operator, provider: string, wish: NewKey): Promise<ProviderKeyFact | Failure>
  updateProviderKey(
    operator: Operator,
    provider: string,
    keyId: string,
    change: KeyChange,
  ): Promise<ProviderKeyFact | Failure>
  deleteProviderKey(operator: Operator, provider: string, keyId: string): Promise<ProviderKeyFact | Failure>
}

/** What a key holds that must not be shown; the other members of its blocks may be. */
export const cloudSecrets: Readonly<Record<string, readonly string[]>> = {
  azure_key_config: ['client_secret'],
  vertex_key_config: ['auth_credentials'],
  bedrock_key_config: ['access_key', 'secret_key', 'session_token', 'external_id'],
}

const noProvider: Failure = { failure: 'not_found', what: 'provider' }
const noKey: Failure = { failure: 'not_found', what: 'provider_key' }
const nameTaken: Failure = { failure: 'conflict', message: 'A key with this name already exists' }
const idTaken: Failure = { failure: 'conflict', message: 'A key with this id already exists' }

/** A key's row, without what the moment of the write gives it. */
type UnstampedKey = Omit<ProviderKeyTable, 'id' | 'created_at' | 'updated_at'>

export function providerKeysOf(context: ProcessContext): ProviderKeys {
  const { write, keyring, world } = context
  const find = (provider: string, keyId: string): ProviderKeyFact | Failure =>
    world()
      .provider(provider)
      ?.keys.find((key) => key.keyId === keyId) ?? noKey

  return {
    async createProviderKey(operator, provider, wish) {
      const outcome = await write<{ readonly keyId: string }>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const owner = await ownerOf(it, provider)
        if (isFailure(owner)) return owner
        const row = await newKeyRow(context, it, owner, wish, [])
        if (isFailure(row)) return row
        const { at } = await touch(it, owner)
        const id = await nextNumber(it.transaction, 'provider_key')
        await upsertProviderKey(it.transaction, { ...row, id, created_at: at, updated_at: at })
        await it.audit('PROVIDER_KEY_CREATED', row.key_id, { provider, name: row.name })
        return { keyId: row.key_id }
      })
      return isFailure(outcome) ? outcome : find(provider, outcome.keyId)
    },

    async updateProviderKey(operator, provider, keyId, change) {
      const shown = find(provider, keyId)
      const outcome = await write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const owner = await ownerOf(it, provider)
        if (isFailure(owner)) return owner
        const before = await readProviderKey(it.transaction, provider, keyId)
        if (before === null || isFailure(shown)) return noKey
        const written = {
          value: before.env_var === '' ? openValue(context, before) : `env.${before.env_var}`,
          cloud: openCloud(keyring, before) ?? {},
        }
        // What cannot be used is shown as disabled: written back, that is no wish of anybody's.
        const isEcho = change.enabled === shown.enabled
        const row = changedRow(
          context,
          owner,
          before,
          written,
          isEcho ? { ...change, enabled: undefined } : change,
        )
        if (isFailure(row)) return row
        const clash = await badNames(it, row, [])
        if (clash !== null) return clash
        const { at } = await touch(it, owner)
        const updatedAt = Math.max(at, before.updated_at + 1)
        await upsertProviderKey(it.transaction, { ...before, ...row, updated_at: updatedAt })
        await it.audit('PROVIDER_KEY_UPDATED', keyId, { provider, members: Object.keys(change) })
        return true
      })
      return isFailure(outcome) ? outcome : find(provider, keyId)
    },

    async deleteProviderKey(operator, provider, keyId) {
      const before = find(provider, keyId)
      const outcome = await write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const owner = await ownerOf(it, provider)
        if (isFailure(owner)) return owner
        if ((await readProviderKey(it.transaction, provider, keyId)) === null) return noKey
        const { revision } = await touch(it, owner)
        await deleteProviderKeyRow(it.transaction, keyId)
        await deletePricingOverridesOfKey(it.transaction, keyId, revision)
        await it.audit('PROVIDER_KEY_DELETED', keyId, { provider })
        return true
      })
      return isFailure(outcome) ? outcome : before
    },
  }
}

interface Owner {
  readonly name: string
  readonly settings: ProviderSettings
}

async function ownerOf({ transaction }: Write, provider: string): Promise<Owner | Failure> {
  const row = await readProvider(transaction, provider)
  return row === null ? noProvider : { name: provider, settings: storedJson(row.settings) }
}

/** A provider's revision moves with its keys. */
async function touch(it: Write, owner: Owner): Promise<Stamp> {
  const stamp = await it.begin()
  await updateProviderRow(it.transaction, owner.name, { revision: stamp.revision })
  return stamp
}

/** The row of a new key, judged; `others` are made in the same write. */
export async function newKeyRow(
  context: ProcessContext,
  it: Write,
  owner: Owner,
  wish: NewKey,
  others: readonly UnstampedKey[],
): Promise<UnstampedKey | Failure> {
  const blank: UnstampedKey = {
    key_id: wish.id ?? newUuid(context.random),
    provider: owner.name,
    name: wish.name,
    sealed_value: null,
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
    config_hash: null,
  }
  const row = changedRow(context, owner, blank, { value: null, cloud: {} }, wish)
  if (isFailure(row)) return row
  const isIdTaken =
    others.some((other) => other.key_id === row.key_id) ||
    (await readKeyNamed(it.transaction, 'key_id', row.key_id)) !== null
  return isIdTaken ? idTaken : ((await badNames(it, row, others)) ?? row)
}

/** A name is that of one key, whoever's. */
async function badNames(
  it: Write,
  { name, key_id }: UnstampedKey,
  others: readonly UnstampedKey[],
): Promise<Failure | null> {
  const holder = await readKeyNamed(it.transaction, 'name', name)
  const isTaken = (holder !== null && holder !== key_id) || others.some((other) => other.name === name)
  return isTaken ? nameTaken : null
}

interface WrittenSecrets {
  /** As it was written: a text, or `env.NAME`. */
  readonly value: string | null
  readonly cloud: CloudBlocks
}

function changedRow(
  context: ProcessContext,
  owner: Owner,
  before: UnstampedKey,
  secrets: WrittenSecrets,
  change: KeyChange,
): UnstampedKey | Failure {
  const value = changedValue(context, secrets.value, change.value)
  if (isFailure(value)) return value
  const cloud = changedCloud(context, secrets.cloud, change)
  if (isFailure(cloud)) return cloud
  const given = { ...cloud.deployments, ...change.aliases }
  const aliases: Readonly<Record<string, unknown>> =
    change.aliases === undefined && Object.keys(cloud.deployments).length === 0
      ? storedJson(before.aliases)
      : given
  const judged: KeyToJudge = {
    value: value.written,
    models: change.models === undefined ? storedJson(before.models) : (change.models ?? ['*']),
    blacklistedModels:
      change.blacklisted_models === undefined
        ? storedJson(before.blacklisted_models)
        : (change.blacklisted_models ?? []),
    aliases,
    cloud: cloud.blocks,
  }
  const fault = badProviderKey(owner.name, owner.settings, judged)
  if (fault !== null) return fault
  const { keyring, random } = context
  const hasCloud = Object.keys(cloud.blocks).length > 0
  const variable = value.written === null ? null : variableIn(value.written)
  return {
    key_id: before.key_id,
    provider: before.provider,
    name: change.name ?? before.name,
    sealed_value:
      value.written === null || variable !== null
        ? null
        : seal(keyring, random, value.written, providerKeyPlace(before.key_id, 'value')),
    env_var: variable ?? '',
    models: JSON.stringify(judged.models),
    blacklisted_models: JSON.stringify(judged.blacklistedModels),
    weight: change.weight === undefined ? before.weight : String(change.weight ?? 1),
    aliases: JSON.stringify(foldAliases(aliases)),
    enabled: change.enabled === undefined ? before.enabled : Number(change.enabled ?? true),
    use_for_batch_api:
      change.use_for_batch_api === undefined
        ? before.use_for_batch_api
        : Number(change.use_for_batch_api ?? false),
    description: change.description === undefined ? before.description : (change.description ?? ''),
    status: '',
    sealed_cloud: hasCloud
      ? seal(keyring, random, JSON.stringify(cloud.blocks), providerKeyPlace(before.key_id, 'cloud'))
      : null,
    config_hash: before.config_hash,
  }
}

/** Boxed, because a value is text. */
function changedValue(
  { variable }: ProcessContext,
  before: string | null,
  given: string | null | undefined,
): { readonly written: string | null } | Failure {
  if (given === undefined) return { written: before }
  if (given === null || given === '') return { written: null }
  const kept = keptOrNew(given, before ?? undefined, 'value', variable)
  return isFailure(kept) ? kept : { written: kept }
}

interface ChangedCloud {
  readonly blocks: CloudBlocks
  /** An older spelling of aliases. */
  readonly deployments: Readonly<Record<string, unknown>>
}

function changedCloud(
  { variable }: ProcessContext,
  before: CloudBlocks,
  change: KeyChange,
): ChangedCloud | Failure {
  const blocks: Record<string, Block> = { ...before }
  let deployments: Readonly<Record<string, unknown>> = {}
  for (const [name, given] of Object.entries(change)) {
    if (!name.endsWith('_key_config') || given === undefined) continue
    if (given === null) {
      delete blocks[name]
      continue
    }
    const { deployments: older, ...members } = given as Block
    deployments = { ...deployments, ...(older as object | null | undefined) }
    const block: Record<string, unknown> = { ...before[name] }
    for (const [member, value] of Object.entries(members)) {
      if (value === undefined) continue
      const isSecret = typeof value === 'string' && cloudSecrets[name]?.includes(member)
      const stored = before[name]?.[member]
      const known = typeof stored === 'string' ? stored : undefined
      const next = isSecret && value !== '' ? keptOrNew(value, known, `${name}.${member}`, variable) : value
      if (isFailure(next)) return next
      if (next === null || next === '') delete block[member]
      else block[member] = next
    }
    blocks[name] = block
  }
  return { blocks, deployments }
}

function openValue({ keyring }: ProcessContext, row: ProviderKeyTable): string | null {
  if (row.sealed_value === null) return null
  return unseal(keyring, row.sealed_value, providerKeyPlace(row.key_id, 'value'))?.reveal() ?? null
}
