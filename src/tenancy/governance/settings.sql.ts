import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { AuthConfig, ClientConfig } from './facts.ts'
import { storedJson } from './stored.ts'

/** The settings that were written since a revision; those that were not are left out. */
export interface ChangedSettings {
  readonly client?: ClientConfig
  readonly auth?: AuthConfig
}

export async function readChangedSettings(read: Kysely<Schema>, since: number): Promise<ChangedSettings> {
  const rows = await read
    .selectFrom('governance_settings')
    .select(['name', 'value'])
    .where('revision', '>', since)
    .execute()
  const values = new Map(rows.map(({ name, value }) => [name, value]))
  const [client, auth] = [values.get('client_config'), values.get('auth_config')]
  return {
    ...(client === undefined ? {} : { client: storedJson<ClientConfig>(client) }),
    ...(auth === undefined ? {} : { auth: storedJson<AuthConfig>(auth) }),
  }
}
