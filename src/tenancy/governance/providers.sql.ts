import type { Kysely, Transaction } from 'kysely'
import type { ProviderKeyTable, ProviderTable } from '../../store/governance-schema.ts'
import type { Schema } from '../../store/schema.ts'
import type { Keyring } from '../keyring.ts'
import { type Place, unseal } from '../sealing.ts'
import { Secret } from '../secret.ts'
import type { ProviderFact, ProviderKeyFact, ProviderSecrets } from './facts.ts'
import { stored, storedJson } from './stored.ts'

export function providerPlace(name: string): Place {
  return ['providers', name]
}

export function providerKeyPlace(keyId: string, part: 'value' | 'cloud'): Place {
  return ['provider_keys', keyId, part]
}

export async function readChangedProviders(
  read: Kysely<Schema>,
  keyring: Keyring,
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
    secrets: secretsOf(keyring, row),
    keys: (keysOf.get(row.name) ?? []).map((key) => toProviderKey(keyring, key)),
    ...stored(row),
  }))
}

/** What is sealed together: JSON of the secret members of a provider's settings. */
export interface SealedProvider {
  readonly extra_headers?: Readonly<Record<string, string>>
  readonly proxy_password?: string
}

function secretsOf(keyring: Keyring, row: ProviderTable): ProviderSecrets {
  const isBaseUrlTrusted = row.is_base_url_trusted === 1
  const opened =
    row.sealed_secrets === null ? null : unseal(keyring, row.sealed_secrets, providerPlace(row.name))
  const { extra_headers = {}, proxy_password } =
    opened === null ? {} : storedJson<SealedProvider>(opened.reveal())
  return {
    extraHeaders: Object.fromEntries(
      Object.entries(extra_headers).map(([name, value]) => [name, new Secret(value)]),
    ),
    proxyPassword: proxy_password === undefined ? null : new Secret(proxy_password),
    isBaseUrlTrusted,
  }
}

function toProviderKey(keyring: Keyring, row: ProviderKeyTable): ProviderKeyFact {
  const open = (sealed: string | null, part: 'value' | 'cloud') =>
    sealed === null ? null : (unseal(keyring, sealed, providerKeyPlace(row.key_id, part)) ?? 'sealed')
  return {
    id: row.id,
    keyId: row.key_id,
    provider: row.provider,
    name: row.name,
    value: open(row.sealed_value, 'value'),
    envVar: row.env_var,
    models: storedJson(row.models),
    blacklistedModels: storedJson(row.blacklisted_models),
    weight: Number(row.weight),
    aliases: storedJson(row.aliases),
    enabled: row.enabled === 1,
    useForBatchApi: row.use_for_batch_api === 1,
    description: row.description,
    status: row.status,
    cloud: open(row.sealed_cloud, 'cloud'),
    ...stored(row),
  }
}

/** Whether somebody has configured a provider of this name. */
export async function isProviderStored(transaction: Transaction<Schema>, name: string): Promise<boolean> {
  const row = await transaction
    .selectFrom('providers')
    .select('id')
    .where('name', '=', name)
    .executeTakeFirst()
  return row !== undefined
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
