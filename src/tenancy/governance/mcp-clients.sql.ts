import type { Kysely, Transaction } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { Keyring } from '../keyring.ts'
import { type Place, unseal } from '../sealing.ts'
import { Secret } from '../secret.ts'
import type { McpClientFact } from './facts.ts'
import { stored, storedJson } from './stored.ts'

export function mcpClientPlace(clientId: string): Place {
  return ['mcp_clients', clientId]
}

/** What is sealed together. */
export interface SealedConnection {
  readonly connection_string?: string
  readonly headers?: Readonly<Record<string, string>>
}

export async function readChangedMcpClients(
  read: Kysely<Schema>,
  keyring: Keyring,
  since: number,
): Promise<McpClientFact[]> {
  const rows = await read.selectFrom('mcp_clients').selectAll().where('revision', '>', since).execute()
  return rows.map((row) => {
    const opened = unseal(keyring, row.sealed_connection, mcpClientPlace(row.client_id))
    const { connection_string, headers = {} } =
      opened === null ? {} : storedJson<SealedConnection>(opened.reveal())
    return {
      id: row.id,
      clientId: row.client_id,
      name: row.name,
      connectionType: row.connection_type,
      connectionString: opened === null ? 'sealed' : connection_string ? new Secret(connection_string) : null,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, new Secret(value)])),
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
    .where(({ eb, or }) => or([eb('id', 'in', ids), eb('name', 'in', names)]))
    .execute()
}
