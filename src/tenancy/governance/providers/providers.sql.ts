import type { Kysely, Transaction } from 'kysely'
import type { ProviderKeyTable, ProviderTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { Keyring } from '../../sealing/keyring.ts'
import { type Place, unseal } from '../../sealing/sealing.ts'
import { Secret } from '../../sealing/secret.ts'
import type { ProviderFact, ProviderKeyFact, ProviderSecrets } from '../facts.ts'
import type { Variable } from '../routing/variables.ts'
import { stored, storedJson } from '../stored.ts'
import { resolveTexts } from './written-secrets.ts'

export function providerPlace(name: string): Place {
  return ['providers', name]
}

export function providerKeyPlace(keyId: string, part: 'value' | 'cloud'): Place {
  return ['provider_keys', keyId, part]
}

export async function readChangedProviders(
  read: Kysely<Schema>,
  keyring: Keyring,
  variable: Variable,
  since: number,
): Promise<ProviderFact[]> {
  const changed = read.selectFrom('providers').where('revision', '>', since)
  const keys = await read
    .selectFrom('provider_keys')
    .selectAll()
    .where('provider', 'in', changed.select('name'))
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const keysOf = Map.groupBy(keys, ({ provider }) => provider)
  const rows = await changed.selectAll().execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    settings: storedJson(row.settings),
    secrets: secretsOf(keyring, variable, row),
    keys: (keysOf.get(row.name) ?? []).map((key) => toProviderKey(keyring, variable, key)),
    ...stored(row),
  }))
}

/** What is sealed together: JSON of the secret members of a provider's settings. */
export interface SealedProvider {
  readonly extra_headers?: Readonly<Record<string, string>>
  readonly proxy_password?: string
}

function secretsOf(keyring: Keyring, variable: Variable, row: ProviderTable): ProviderSecrets {
  const isBaseUrlTrusted = row.is_base_url_trusted === 1
  const { value, envVars } = resolveTexts(openProvider(keyring, row), variable)
  const { extra_headers = {}, proxy_password } = value
  return {
    extraHeaders: Object.fromEntries(
      Object.entries(extra_headers).map(([name, text]) => [name, new Secret(text)]),
    ),
    proxyPassword: proxy_password === undefined ? null : new Secret(proxy_password),
    isBaseUrlTrusted,
    envVars,
  }
}

/** The secrets of a provider as they were written; none where they were sealed under another master key. */
export function openProvider(
  keyring: Keyring,
  { name, sealed_secrets }: Pick<ProviderTable, 'name' | 'sealed_secrets'>,
): SealedProvider {
  const opened = sealed_secrets === null ? null : unseal(keyring, sealed_secrets, providerPlace(name))
  return opened === null ? {} : storedJson<SealedProvider>(opened.reveal())
}

function toProviderKey(keyring: Keyring, variable: Variable, row: ProviderKeyTable): ProviderKeyFact {
  const value = openedValue(keyring, variable, row)
  const cloud = cloudOf(keyring, variable, row)
  const status = statusOf(row.env_var !== '' && value === null ? [row.env_var] : cloud.unset, [
    value,
    cloud.block,
  ])
  return {
    id: row.id,
    keyId: row.key_id,
    provider: row.provider,
    name: row.name,
    value,
    envVar: row.env_var,
    models: storedJson(row.models),
    blacklistedModels: storedJson(row.blacklisted_models),
    weight: Number(row.weight),
    aliases: storedJson(row.aliases),
    enabled: row.enabled === 1 && status === '',
    useForBatchApi: row.use_for_batch_api === 1,
    description: row.description,
    status,
    cloud: cloud.block,
    cloudEnvVars: cloud.envVars,
    ...stored(row),
  }
}

/** How many of these are keys of the provider. */
export async function countProviderKeys(
  transaction: Transaction<Schema>,
  provider: string,
  keyIds: readonly string[],
): Promise<number> {
  const rows = await transaction
    .selectFrom('provider_keys')
    .select('id')
    .where('provider', '=', provider)
    .where('key_id', 'in', keyIds)
    .execute()
  return rows.length
}

type Held = Secret | 'sealed' | null

function openedValue(keyring: Keyring, variable: Variable, row: ProviderKeyTable): Held {
  if (row.env_var !== '') {
    const found = variable(row.env_var)
    return found === undefined ? null : new Secret(found)
  }
  if (row.sealed_value === null) return null
  return unseal(keyring, row.sealed_value, providerKeyPlace(row.key_id, 'value')) ?? 'sealed'
}

interface Cloud {
  readonly block: Held
  readonly envVars: Readonly<Record<string, string>>
  readonly unset: readonly string[]
}

function cloudOf(keyring: Keyring, variable: Variable, row: ProviderKeyTable): Cloud {
  if (row.sealed_cloud === null) return { block: null, envVars: {}, unset: [] }
  const opened = openCloud(keyring, row)
  if (opened === null) return { block: 'sealed', envVars: {}, unset: [] }
  const { value, envVars, unset } = resolveTexts(opened, variable)
  return { block: new Secret(JSON.stringify(value)), envVars, unset }
}

/** A key's cloud blocks as they were written: none, or null where they were sealed under another master key. */
export function openCloud(
  keyring: Keyring,
  { key_id, sealed_cloud }: Pick<ProviderKeyTable, 'key_id' | 'sealed_cloud'>,
): CloudBlocks | null {
  if (sealed_cloud === null) return {}
  const opened = unseal(keyring, sealed_cloud, providerKeyPlace(key_id, 'cloud'))
  return opened === null ? null : storedJson<CloudBlocks>(opened.reveal())
}

/** By name, such as `azure_key_config`. */
export type CloudBlocks = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Why a key cannot be used, as it is shown. */
function statusOf(unset: readonly string[], held: readonly Held[]): string {
  if (unset.length > 0) return `${unset.join(', ')} is not set in the environment`
  return held.includes('sealed') ? 'sealed under another master key' : ''
}

export async function readProvider(
  transaction: Transaction<Schema>,
  name: string,
): Promise<ProviderTable | null> {
  const row = await transaction
    .selectFrom('providers')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst()
  return row ?? null
}

export async function insertProvider(transaction: Transaction<Schema>, row: ProviderTable): Promise<void> {
  await transaction.insertInto('providers').values(row).execute()
}

export async function updateProviderRow(
  transaction: Transaction<Schema>,
  name: string,
  change: Partial<ProviderTable>,
): Promise<void> {
  await transaction.updateTable('providers').set(change).where('name', '=', name).execute()
}

export async function deleteProviderRows(transaction: Transaction<Schema>, name: string): Promise<void> {
  await transaction.deleteFrom('provider_keys').where('provider', '=', name).execute()
  await transaction.deleteFrom('providers').where('name', '=', name).execute()
}

export async function readProviderKey(
  transaction: Transaction<Schema>,
  provider: string,
  keyId: string,
): Promise<ProviderKeyTable | null> {
  const row = await transaction
    .selectFrom('provider_keys')
    .selectAll()
    .where('provider', '=', provider)
    .where('key_id', '=', keyId)
    .executeTakeFirst()
  return row ?? null
}

/** Whose key it is that has a name, or an id; null where nobody's is. */
export async function readKeyNamed(
  transaction: Transaction<Schema>,
  column: 'name' | 'key_id',
  text: string,
): Promise<string | null> {
  const row = await transaction
    .selectFrom('provider_keys')
    .select('key_id')
    .where(column, '=', text)
    .executeTakeFirst()
  return row?.key_id ?? null
}

export async function upsertProviderKey(
  transaction: Transaction<Schema>,
  row: ProviderKeyTable,
): Promise<void> {
  await transaction
    .insertInto('provider_keys')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}

export async function deleteProviderKeyRow(transaction: Transaction<Schema>, keyId: string): Promise<void> {
  await transaction.deleteFrom('provider_keys').where('key_id', '=', keyId).execute()
}
