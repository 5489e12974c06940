import type { Kysely, Transaction } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { Keyring } from '../keyring.ts'
import { type Place, unseal } from '../sealing.ts'
import type { Stamp } from '../write.ts'
import type { AuthConfig, ClientConfig, JwtConfig } from './facts.ts'
import { storedJson } from './stored.ts'

export const tokenSecretPlace: Place = ['governance_settings', 'auth_config', 'jwt.secret']

/** `auth_config` as it is stored. */
export interface StoredAuth extends Omit<AuthConfig, 'jwt'> {
  readonly jwt: StoredJwt | null
}

export interface StoredJwt extends Omit<JwtConfig, 'key'> {
  readonly key: { readonly sealedSecret: string } | { readonly publicKey: string }
}

export type SettingName = 'client_config' | 'auth_config'

/** The settings that were written since a revision; those that were not are left out. */
export interface ChangedSettings {
  readonly client?: ClientConfig
  readonly auth?: AuthConfig
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
  return {
    ...(client === undefined ? {} : { client: storedJson<ClientConfig>(client) }),
    ...(auth === undefined ? {} : { auth: toAuthConfig(keyring, storedJson<StoredAuth>(auth)) }),
  }
}

function toAuthConfig(keyring: Keyring, { jwt, ...rest }: StoredAuth): AuthConfig {
  if (jwt === null) return { ...rest, jwt }
  const { key } = jwt
  if ('publicKey' in key) return { ...rest, jwt: { ...jwt, key } }
  const secret = unseal(keyring, key.sealedSecret, tokenSecretPlace) ?? 'sealed'
  return { ...rest, jwt: { ...jwt, key: { secret } } }
}

/** What stands under a name; null where nothing was ever written. */
export async function readSetting<Value>(
  transaction: Transaction<Schema>,
  name: SettingName,
): Promise<Value | null> {
  const row = await transaction
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
  const row = { value: JSON.stringify(value), config_hash: null, updated_at: at, revision }
  await transaction
    .insertInto('governance_settings')
    .values({ name, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute()
}
