import type { Transaction } from 'kysely'
import type { Failure } from '../../../domain/failure.ts'
import type { Schema } from '../../../store/schema.ts'
import { nextNumber } from '../context.ts'
import type { McpConfigFact } from '../facts.ts'
import { nameListFault } from '../name-list.ts'
import { type NamedMcpClient, readMcpClientNames } from '../providers/mcp-clients.sql.ts'
import { replaceMcpConfigs } from './virtual-keys.sql.ts'

/** Which tools of a client somebody wants. What is left out stays as it is, or is nothing. */
export interface McpConfigInput {
  /** Of a config that the key has. */
  readonly id?: number | undefined
  readonly clientName?: string | undefined
  /** `*` alone: all. */
  readonly tools?: readonly string[] | undefined
}

/** A config as it is to be; one without an id is new. */
type Planned = Omit<McpConfigFact, 'id'> & { readonly id: number | null }

export type McpConfigsPlan = readonly Planned[]

/**
 * Judges a full set of MCP configs against those that a key has: one of the new set is an old one by its id, else by its
 * client; the others of the old ones go.
 */
export async function planMcpConfigs(
  transaction: Transaction<Schema>,
  known: readonly McpConfigFact[],
  inputs: readonly McpConfigInput[],
): Promise<McpConfigsPlan | Failure> {
  const owned = new Map(known.map((config) => [config.id, config]))
  const free = new Set(owned.keys())
  const foreign = inputs.find(({ id }) => id !== undefined && !free.delete(id))
  if (foreign) return invalid(`MCP config ${foreign.id} does not belong to this virtual key`)
  const clients = await readMcpClientNames(transaction, {
    ids: known.map(({ clientId }) => clientId),
    names: inputs.flatMap(({ clientName }) => clientName ?? []),
  })
  const named = inputs.map((input) => ({ input, name: nameFor(input, owned, clients) }))
  return (
    unnamed(named) ??
    repeatedClient(named) ??
    unknownClient(named, clients) ??
    planned(named, known, free, clients)
  )
}

/** Brings a key's MCP configs to what was planned. */
export async function applyMcpConfigs(
  transaction: Transaction<Schema>,
  virtualKeyId: string,
  plan: McpConfigsPlan,
): Promise<void> {
  const configs: McpConfigFact[] = []
  for (const config of plan) {
    configs.push({ ...config, id: config.id ?? (await nextNumber(transaction, 'mcp_config')) })
  }
  await replaceMcpConfigs(transaction, virtualKeyId, configs)
}

interface Named {
  readonly input: McpConfigInput
  readonly name: string
}

function nameFor(
  { id, clientName }: McpConfigInput,
  owned: ReadonlyMap<number, McpConfigFact>,
  clients: readonly NamedMcpClient[],
): string {
  if (clientName !== undefined || id === undefined) return clientName ?? ''
  const clientId = owned.get(id)?.clientId
  return clients.find((client) => client.id === clientId)?.name ?? ''
}

function unnamed(configs: readonly Named[]): Failure | null {
  return configs.some(({ name }) => name === '') ? invalid('mcp_client_name is required') : null
}

function repeatedClient(configs: readonly Named[]): Failure | null {
  const seen = new Set<string>()
  for (const { name } of configs) {
    if (seen.has(name)) return invalid(`duplicate mcp_client_name: ${name}`)
    seen.add(name)
  }
  return null
}

function unknownClient(configs: readonly Named[], clients: readonly NamedMcpClient[]): Failure | null {
  const names = new Set(clients.map(({ name }) => name))
  const unknown = configs.find(({ name }) => !names.has(name))
  return unknown ? invalid(`failed to get MCP client: ${unknown.name}`) : null
}

function planned(
  configs: readonly Named[],
  known: readonly McpConfigFact[],
  /** Ids of those that nobody has named by their id. */
  free: ReadonlySet<number>,
  clients: readonly NamedMcpClient[],
): McpConfigsPlan | Failure {
  const plan: Planned[] = []
  for (const { input, name } of configs) {
    const why = nameListFault(input.tools ?? [])
    if (why !== null) return invalid(`invalid tools_to_execute for mcp client ${name}: ${why}`)
    const clientId = clients.find((client) => client.name === name)?.id ?? 0
    const old = known.find((config) =>
      input.id === undefined ? config.clientId === clientId && free.has(config.id) : config.id === input.id,
    )
    plan.push({ id: old?.id ?? null, clientId, tools: input.tools ?? old?.tools ?? [] })
  }
  return plan
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
