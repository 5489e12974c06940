import type { Kysely, Transaction } from 'kysely'
import type { McpClientTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'
import type { Keyring } from '../../sealing/keyring.ts'
import { type Place, unseal } from '../../sealing/sealing.ts'
import { Secret } from '../../sealing/secret.ts'
import type { McpClientFact } from '../facts.ts'
import type { Variable } from '../routing/variables.ts'
import { stored, storedJson } from '../stored.ts'
import { resolveTexts } from './written-secrets.ts'

export function mcpClientPlace(clientId: string): Place {
  return ['mcp_clients', clientId]
}

/** What is sealed together. */
export interface SealedConnection {
  readonly connection_string?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly oauth_client_secret?: string
}

export async function readChangedMcpClients(
  read: Kysely<Schema>,
  keyring: Keyring,
  variable: Variable,
  since: number,
): Promise<McpClientFact[]> {
  const rows = await read.selectFrom('mcp_clients').selectAll().where('revision', '>', since).execute()
  return rows.map((row) => {
    const opened = openConnection(keyring, row)
    const { value, envVars } = resolveTexts<SealedConnection>(opened ?? {}, variable)
    const { connection_string, headers = {}, oauth_client_secret } = value
    return {
      id: row.id,
      clientId: row.client_id,
      name: row.name,
      connectionType: row.connection_type,
      connectionString: opened === null ? 'sealed' : connection_string ? new Secret(connection_string) : null,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, new Secret(value)])),
      oauthClientSecret: oauth_client_secret === undefined ? null : new Secret(oauth_client_secret),
      envVars,
      settings: storedJson(row.settings),
      ...stored(row),
    }
  })
}

/** A client as configs of virtual keys name it. */
export interface NamedMcpClient {
  readonly id: number
  readonly name: string
}

/** Those that have one of these numbers or names. */
export function readMcpClientNames(
  transaction: Transaction<Schema>,
  { ids, names }: { readonly ids: readonly number[]; readonly names: readonly string[] },
): Promise<NamedMcpClient[]> {
  return transaction
    .selectFrom('mcp_clients')
    .select(['id', 'name'])
    .where(({ eb, or }) =>
      or([...ids.map((id) => eb('id', '=', id)), ...names.map((name) => eb('name', '=', name))]),
    )
    .execute()
}

/** The connection as it was written; null where it was sealed under another master key. */
export function openConnection(
  keyring: Keyring,
  { client_id, sealed_connection }: Pick<McpClientTable, 'client_id' | 'sealed_connection'>,
): SealedConnection | null {
  const opened = unseal(keyring, sealed_connection, mcpClientPlace(client_id))
  return opened === null ? null : storedJson<SealedConnection>(opened.reveal())
}

export async function readMcpClient(
  transaction: Transaction<Schema>,
  clientId: string,
): Promise<McpClientTable | null> {
  const row = await transaction
    .selectFrom('mcp_clients')
    .selectAll()
    .where('client_id', '=', clientId)
    .executeTakeFirst()
  return row ?? null
}

/** Whether another client than this one has a name. */
export async function isMcpClientNamed(
  transaction: Transaction<Schema>,
  name: string,
  clientId: string,
): Promise<boolean> {
  const row = await transaction
    .selectFrom('mcp_clients')
    .select('id')
    .where('name', '=', name)
    .where('client_id', '!=', clientId)
    .executeTakeFirst()
  return row !== undefined
}

export async function insertMcpClient(transaction: Transaction<Schema>, row: McpClientTable): Promise<void> {
  await transaction.insertInto('mcp_clients').values(row).execute()
}

export async function updateMcpClientRow(
  transaction: Transaction<Schema>,
  clientId: string,
  change: Partial<McpClientTable>,
): Promise<void> {
  await transaction.updateTable('mcp_clients').set(change).where('client_id', '=', clientId).execute()
}

/** With it go the permissions of virtual keys to use it, which are loaded anew. */
export async function deleteMcpClientRows(
  transaction: Transaction<Schema>,
  { id, client_id }: Pick<McpClientTable, 'id' | 'client_id'>,
  revision: number,
): Promise<void> {
  const permissions = transaction
    .selectFrom('mcp_configs')
    .select('virtual_key_id')
    .where('mcp_client_id', '=', id)
  await transaction.updateTable('virtual_keys').set({ revision }).where('id', 'in', permissions).execute()
  await transaction.deleteFrom('mcp_configs').where('mcp_client_id', '=', id).execute()
  await transaction.deleteFrom('mcp_clients').where('client_id', '=', client_id).execute()
}
