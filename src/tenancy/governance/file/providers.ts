import { knownProvider } from '../../../providers/table.ts'
import { providerKeysOf } from '../providers/provider-keys.ts'
import { readProvider, updateProviderRow } from '../providers/providers.sql.ts'
import { providersOf } from '../providers/providers.ts'
import type { ProviderDefinition, ProviderKeyDefinition } from './definition.ts'
import { at, type FileWrite, fromFile, refuse } from './file-write.ts'

export async function writeProviders(
  write: FileWrite,
  providers: readonly ProviderDefinition[],
): Promise<void> {
  for (const provider of providers) {
    await writeProvider(write, provider)
    for (const key of provider.keys) await writeKey(write, provider.name, key)
  }
}

async function writeProvider(write: FileWrite, { name, settings }: ProviderDefinition): Promise<void> {
  const { it, context } = write
  const path = `providers.${name}`
  const hash = write.digest([settings])
  const before = await readProvider(it.transaction, name)
  if (!write.isToWrite(before?.config_hash, hash)) return
  const { createProvider, updateProvider } = providersOf(context)
  await it.begin()
  if (before === null) {
    await at(path, () => createProvider(fromFile, name, settings, []))
  } else {
    await updateProviderRow(it.transaction, name, { settings: '{}', sealed_secrets: null })
    await at(path, () => updateProvider(fromFile, name, settings))
  }
  await updateProviderRow(it.transaction, name, { config_hash: hash, is_base_url_trusted: 1 })
  await it.audit('PROVIDER_CONFIGURED', name, { provider: name })
}

async function writeKey(
  write: FileWrite,
  provider: string,
  { id, ...key }: ProviderKeyDefinition,
): Promise<void> {
  const { it, context } = write
  const path = `providers.${provider}.keys.${key.name}`
  const hash = write.digest([provider, key])
  const before = await storedKey(write, key.name)
  if (before && before.provider !== provider) refuse(`${path}.name`, `is that of a key of ${before.provider}`)
  if (!write.isToWrite(before?.config_hash, hash)) return
  const { createProviderKey, updateProviderKey } = providerKeysOf(context)
  if (before) {
    const blank = { sealed_value: null, env_var: '', sealed_cloud: null, aliases: '{}' }
    await it.transaction.updateTable('provider_keys').set(blank).where('name', '=', key.name).execute()
    await at(path, () => updateProviderKey(fromFile, provider, before.key_id, key))
  } else {
    await at(path, () => createProviderKey(fromFile, provider, { ...key, id }))
  }
  await it.transaction
    .updateTable('provider_keys')
    .set({ enabled: Number(key.enabled), config_hash: hash })
    .where('name', '=', key.name)
    .execute()
  await it.audit('PROVIDER_KEY_CONFIGURED', key.name, { provider, name: key.name })
}

function storedKey({ it }: FileWrite, name: string) {
  return it.transaction
    .selectFrom('provider_keys')
    .select(['key_id', 'provider', 'config_hash'])
    .where('name', '=', name)
    .executeTakeFirst()
}

export async function pruneProviders(
  write: FileWrite,
  providers: readonly ProviderDefinition[],
): Promise<void> {
  const { it, context } = write
  const { transaction } = it
  const named = new Map(providers.map(({ name, keys }) => [name, new Set(keys.map((key) => key.name))]))
  for (const { name } of await transaction.selectFrom('providers').select('name').execute()) {
    if (named.has(name)) continue
    await providersOf(context).deleteProvider(fromFile, name)
    await it.audit('PROVIDER_DELETED', name, { provider: name })
  }
  const keys = await transaction.selectFrom('provider_keys').select(['key_id', 'provider', 'name']).execute()
  for (const { key_id, provider, name } of keys) {
    if (named.get(provider)?.has(name)) continue
    await providerKeysOf(context).deleteProviderKey(fromFile, provider, key_id)
    await it.audit('PROVIDER_KEY_DELETED', key_id, { provider, name })
  }
}

/** The `key_id` of a provider's key that is called so, or has that id; null where none has. */
export async function keyIdOf({ it }: FileWrite, provider: string, name: string): Promise<string | null> {
  const found = await it.transaction
    .selectFrom('provider_keys')
    .select(['key_id', 'name'])
    .where('provider', '=', provider)
    .where(({ or, eb }) => or([eb('name', '=', name), eb('key_id', '=', name)]))
    .execute()
  return (found.find((key) => key.name === name) ?? found[0])?.key_id ?? null
}

/** Whether a provider is known by its name, or is stored. */
export async function isProvider({ it }: FileWrite, name: string): Promise<boolean> {
  return knownProvider(name) !== null || (await readProvider(it.transaction, name)) !== null
}
