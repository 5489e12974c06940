import { type Failure, isFailure } from '../../../domain/failure.ts'
import { seal } from '../../sealing/sealing.ts'
import type { Operator } from '../../write.ts'
import { lockGovernance, nextNumber, ofInstallation, type ProcessContext } from '../context.ts'
import type { McpClientFact } from '../facts.ts'
import { bury } from '../owners/tombstones.sql.ts'
import { storedJson } from '../stored.ts'
import { newUuid } from '../uuid.ts'
import {
  deleteMcpClientRows,
  insertMcpClient,
  isMcpClientNamed,
  mcpClientPlace,
  openConnection,
  readMcpClient,
  type SealedConnection,
  updateMcpClientRow,
} from './mcp-clients.sql.ts'
import { keptOrNew } from './written-secrets.ts'

/** What of an MCP server may change: what is left out stays as it is, null takes it back. */
export interface McpClientChange {
  readonly name?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | null | undefined
  readonly oauthClientSecret?: string | null | undefined
  /** Everything else of it, in the wire's names. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface NewMcpClient extends McpClientChange {
  readonly clientId?: string | undefined
  readonly name: string
  readonly connectionType: string
  readonly connectionString: string | null
}

/** MCP servers as they are registered. None is connected to yet. */
export interface McpClients {
  createMcpClient(operator: Operator, wish: NewMcpClient): Promise<true | Failure>
  updateMcpClient(operator: Operator, clientId: string, change: McpClientChange): Promise<true | Failure>
  /** With what virtual keys were allowed of it. */
  deleteMcpClient(operator: Operator, clientId: string): Promise<true | Failure>
}

const noClient: Failure = { failure: 'not_found', what: 'mcp_client' }
const nameTaken: Failure = { failure: 'conflict', message: 'An MCP client with this name already exists' }
const idTaken: Failure = { failure: 'conflict', message: 'An MCP client with this client_id already exists' }

export function mcpClientsOf(context: ProcessContext): McpClients {
  const { write, keyring, random, variable } = context
  const sealed = (clientId: string, connection: SealedConnection) =>
    seal(keyring, random, JSON.stringify(connection), mcpClientPlace(clientId))

  return {
    createMcpClient(operator, wish) {
      return write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const clientId = wish.clientId ?? newUuid(random)
        if ((await readMcpClient(it.transaction, clientId)) !== null) return idTaken
        if (await isMcpClientNamed(it.transaction, wish.name, clientId)) return nameTaken
        const settings = changedSettings({}, wish.settings)
        const begun = wish.connectionString === null ? {} : { connection_string: wish.connectionString }
        const connection = changedConnection(variable, begun, wish)
        if (isFailure(connection)) return connection
        const fault = badTools(settings)
        if (fault !== null) return fault
        const { revision, at } = await it.begin()
        await insertMcpClient(it.transaction, {
          id: await nextNumber(it.transaction, 'mcp_client'),
          client_id: clientId,
          name: wish.name,
          connection_type: wish.connectionType,
          sealed_connection: sealed(clientId, connection),
          settings: JSON.stringify(settings),
          config_hash: null,
          created_at: at,
          updated_at: at,
          revision,
        })
        const { name, connectionType } = wish
        await it.audit('MCP_CLIENT_CREATED', clientId, { name, connection_type: connectionType })
        return true
      })
    },

    updateMcpClient(operator, clientId, change) {
      return write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const row = await readMcpClient(it.transaction, clientId)
        if (row === null) return noClient
        const name = change.name ?? row.name
        if (await isMcpClientNamed(it.transaction, name, clientId)) return nameTaken
        const connection = changedConnection(variable, openConnection(keyring, row) ?? {}, change)
        if (isFailure(connection)) return connection
        const settings = changedSettings(storedJson<McpClientFact['settings']>(row.settings), change.settings)
        const fault = badTools(settings)
        if (fault !== null) return fault
        const { revision, at } = await it.begin()
        await updateMcpClientRow(it.transaction, clientId, {
          name,
          sealed_connection: sealed(clientId, connection),
          settings: JSON.stringify(settings),
          updated_at: Math.max(at, row.updated_at + 1),
          revision,
        })
        await it.audit('MCP_CLIENT_UPDATED', clientId, { name })
        return true
      })
    },

    deleteMcpClient(operator, clientId) {
      return write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const row = await readMcpClient(it.transaction, clientId)
        if (row === null) return noClient
        const { revision } = await it.begin()
        await deleteMcpClientRows(it.transaction, row, revision)
        await bury(it.transaction, 'mcp_client', clientId, revision)
        await it.audit('MCP_CLIENT_DELETED', clientId, { name: row.name })
        return true
      })
    },
  }
}

type JsonObject = Readonly<Record<string, unknown>>

function changedSettings(before: JsonObject, change: JsonObject): JsonObject {
  const members = Object.entries(change).filter(([, value]) => value !== undefined)
  const next = Object.entries({ ...before, ...Object.fromEntries(members) })
  return Object.fromEntries(next.filter(([, value]) => value !== null))
}

function changedConnection(
  variable: ProcessContext['variable'],
  before: SealedConnection,
  { headers, oauthClientSecret: given }: McpClientChange,
): SealedConnection | Failure {
  const next = changedHeaders(variable, before.headers ?? {}, headers)
  if (isFailure(next)) return next
  const { oauth_client_secret: known, ...rest } = before
  const member = 'oauth_config.client_secret'
  const secret = given === undefined ? known : given ? keptOrNew(given, known, member, variable) : undefined
  if (isFailure(secret)) return secret
  return { ...rest, headers: next, ...(secret === undefined ? {} : { oauth_client_secret: secret }) }
}

function changedHeaders(
  variable: ProcessContext['variable'],
  before: Readonly<Record<string, string>>,
  given: McpClientChange['headers'],
): Readonly<Record<string, string>> | Failure {
  if (given === undefined) return before
  const next: Record<string, string> = {}
  for (const [name, value] of Object.entries(given ?? {})) {
    const kept = keptOrNew(value, before[name], `headers.${name}`, variable)
    if (isFailure(kept)) return kept
    next[name] = kept
  }
  return next
}

/** What runs by itself must be allowed to run at all. */
function badTools({ tools_to_execute, tools_to_auto_execute }: JsonObject): Failure | null {
  const allowed = (tools_to_execute ?? ['*']) as readonly string[]
  const automatic = (tools_to_auto_execute ?? []) as readonly string[]
  const isWithin = allowed.includes('*') || automatic.every((tool) => tool !== '*' && allowed.includes(tool))
  return isWithin
    ? null
    : { failure: 'invalid', message: 'tools_to_auto_execute: must be among tools_to_execute' }
}
