import type { Kysely, Transaction } from 'kysely'
import { readCatalog } from '../../catalog/read-catalog.ts'
import { isFailure } from '../../domain/failure.ts'
import type { EpochMs } from '../../domain/time.ts'
import type { Schema } from '../../store/schema.ts'
import type { Keyring } from '../sealing/keyring.ts'
import { type Place, unseal } from '../sealing/sealing.ts'
import type { Stamp } from '../write.ts'
import type { AuthConfig, ClientConfig, ImportedPrices, JwtConfig } from './facts.ts'
import { storedJson } from './stored.ts'

export const tokenSecretPlace: Place = ['governance_settings', 'auth_config', 'jwt.secret']

/** `auth_config` as it is stored. */
export interface StoredAuth extends Omit<AuthConfig, 'jwt'> {
  readonly jwt: StoredJwt | null
}

export interface StoredJwt extends Omit<JwtConfig, 'key'> {
  readonly key: { readonly sealedSecret: string } | { readonly publicKey: string }
}

/** A price sheet as it is stored: the text that was sent, to the digit; null where it was taken away again. */
export interface StoredPrices {
  readonly text: string | null
  readonly importedAt: EpochMs
}

export type SettingName = 'client_config' | 'auth_config' | 'price_sheet'

/** The settings that were written since a revision; those that were not are left out. */
export interface ChangedSettings {
  readonly client?: ClientConfig
  readonly auth?: AuthConfig
  readonly importedPrices?: ImportedPrices | null
}

export async function readChangedSettings(
  read: Kysely<Schema>,
  keyring: Keyring,
  since: number,
): Promise<ChangedSettings> {
  const rows = await read
    .selectFrom('governance_settings')
    .select(['name', 'value'])
    .where('revision', '>', since)
    .execute()
  const values = new Map(rows.map(({ name, value }) => [name, value]))
  const [client, auth] = [values.get('client_config'), values.get('auth_config')]
  const prices = values.get('price_sheet')
  return {
    ...(client === undefined ? {} : { client: storedJson<ClientConfig>(client) }),
    ...(auth === undefined ? {} : { auth: toAuthConfig(keyring, storedJson<StoredAuth>(auth)) }),
    ...(prices === undefined ? {} : { importedPrices: toImportedPrices(storedJson<StoredPrices>(prices)) }),
  }
}

function toAuthConfig(keyring: Keyring, { jwt, ...rest }: StoredAuth): AuthConfig {
  if (jwt === null) return { ...rest, jwt }
  const { key } = jwt
  if ('publicKey' in key) return { ...rest, jwt: { ...jwt, key } }
  const secret = unseal(keyring, key.sealedSecret, tokenSecretPlace) ?? 'sealed'
  return { ...rest, jwt: { ...jwt, key: { secret } } }
}

/** The sheet was read before it was stored: one that cannot be read now must not be replaced in silence. */
function toImportedPrices({ text, importedAt }: StoredPrices): ImportedPrices | null {
  if (text === null) return null
  const catalog = readCatalog(text)
  if (isFailure(catalog)) throw new Error('The price sheet in the database cannot be read')
  return { catalog, importedAt }
}

/** The operator's own sheet; null where there is none. */
export async function readImportedPrices(read: Kysely<Schema>): Promise<ImportedPrices | null> {
  const stored = await readSetting<StoredPrices>(read, 'price_sheet')
  return stored === null ? null : toImportedPrices(stored)
}

/** What stands under a name; null where nothing was ever written. */
export async function readSetting<Value>(database: Kysely<Schema>, name: SettingName): Promise<Value | null> {
  const row = await database
    .selectFrom('governance_settings')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst()
  return row === undefined ? null : storedJson<Value>(row.value)
}

export async function writeSetting(
  transaction: Transaction<Schema>,
  name: SettingName,
  value: object,
  { revision, at }: Stamp,
): Promise<void> {
  const row = { value: JSON.stringify(value), updated_at: at, revision }
  await transaction
    .insertInto('governance_settings')
    .values({ name, config_hash: null, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute()
}
