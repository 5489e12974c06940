import { seal } from '../../sealing/sealing.ts'
import { mcpClientPlace, updateMcpClientRow } from '../providers/mcp-clients.sql.ts'
import { mcpClientsOf, type NewMcpClient } from '../providers/mcp-clients.ts'
import { at, type FileWrite, fromFile } from './file-write.ts'

export async function writeMcpClients(write: FileWrite, clients: readonly NewMcpClient[]): Promise<void> {
  const { it, context } = write
  const { createMcpClient, updateMcpClient } = mcpClientsOf(context)
  for (const { clientId, ...client } of clients) {
    const path = `mcp.client_configs.${client.name}`
    const hash = write.digest([client])
    const before = await storedClient(write, client.name)
    if (!write.isToWrite(before?.config_hash, hash)) continue
    if (before === undefined) {
      await at(path, () => createMcpClient(fromFile, { ...client, clientId }))
    } else {
      const { connectionType, connectionString } = client
      const connection = connectionString === null ? {} : { connection_string: connectionString }
      const place = mcpClientPlace(before.client_id)
      await updateMcpClientRow(it.transaction, before.client_id, {
        connection_type: connectionType,
        sealed_connection: seal(context.keyring, context.random, JSON.stringify(connection), place),
        settings: '{}',
      })
      await at(path, () => updateMcpClient(fromFile, before.client_id, client))
    }
    await it.transaction
      .updateTable('mcp_clients')
      .set({ config_hash: hash })
      .where('name', '=', client.name)
      .execute()
    await it.audit('MCP_CLIENT_CONFIGURED', client.name, { name: client.name })
  }
}

function storedClient({ it }: FileWrite, name: string) {
  return it.transaction
    .selectFrom('mcp_clients')
    .select(['client_id', 'config_hash'])
    .where('name', '=', name)
    .executeTakeFirst()
}

export async function pruneMcpClients(write: FileWrite, clients: readonly NewMcpClient[]): Promise<void> {
  const { it, context } = write
  const named = new Set(clients.map(({ name }) => name))
  for (const { client_id, name } of await it.transaction
    .selectFrom('mcp_clients')
    .select(['client_id', 'name'])
    .execute()) {
    if (named.has(name)) continue
    await mcpClientsOf(context).deleteMcpClient(fromFile, client_id)
    await it.audit('MCP_CLIENT_DELETED', client_id, { name })
  }
}
