import type { Transaction } from 'kysely'
import type { Schema } from '../../../store/schema.ts'
import { clientFault } from '../client/client-faults.ts'
import type { ClientConfig } from '../facts.ts'
import { type AuthSettings, authOf } from '../logins/auth.ts'
import { type SettingName, writeSetting } from '../settings.sql.ts'
import { at, type FileWrite, fromFile, refuse } from './file-write.ts'

export async function writeClientConfig(write: FileWrite, client: ClientConfig): Promise<void> {
  const { it, context } = write
  const fault = await clientFault(client, context.variable)
  if (fault !== null) refuse(`client.${fault.path}`, fault.message)
  const hash = write.digest([client])
  if (!write.isToWrite(await storedSettingHash(it.transaction, 'client_config'), hash)) return
  await writeSetting(it.transaction, 'client_config', client, await it.begin())
  await keepHash(it.transaction, 'client_config', hash)
  await it.audit('CLIENT_CONFIGURED', 'client_config', { members: Object.keys(client) })
}

export async function writeAuth(write: FileWrite, auth: AuthSettings): Promise<void> {
  const { it, context } = write
  const hash = write.digest([auth])
  if (!write.isToWrite(await storedSettingHash(it.transaction, 'auth_config'), hash)) return
  // What the file leaves out has its default, not what was there before.
  await it.transaction.deleteFrom('governance_settings').where('name', '=', 'auth_config').execute()
  await at('governance', () => authOf(context).setAuth(fromFile, auth))
  await keepHash(it.transaction, 'auth_config', hash)
  await it.audit('AUTH_CONFIGURED', 'auth_config', { is_enabled: auth.is_enabled })
}

async function storedSettingHash(
  transaction: Transaction<Schema>,
  name: SettingName,
): Promise<string | null | undefined> {
  const row = await transaction
    .selectFrom('governance_settings')
    .select('config_hash')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.config_hash
}

async function keepHash(transaction: Transaction<Schema>, name: SettingName, hash: string): Promise<void> {
  await transaction
    .updateTable('governance_settings')
    .set({ config_hash: hash })
    .where('name', '=', name)
    .execute()
}
