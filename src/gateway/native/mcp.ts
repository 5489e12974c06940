import { isFailure } from '../../domain/failure.ts'
import type { VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import type { Call } from '../call.ts'
import { refuseMedia } from '../peek.ts'
import type { Room } from '../room.ts'
import { invalidRequest, type Problem, problem, problemOf, refused } from './problem.ts'

/** Says whether a tool may be run; running one is not built yet. */
export async function executeTool(
  call: Call,
  virtualKey: VirtualKeyFact | null,
  world: GovernanceWorld,
  room: Room,
): Promise<Problem> {
  const media = refuseMedia(call)
  if (media !== null) return problemOf(media)
  const body = await call.exchange.readBody(room.bodyLimitBytes)
  if (isFailure(body)) return problemOf(body)
  const tool = toolIn(body)
  if (tool === null) return invalidRequest('name is required', 'missing_tool_name')
  if (virtualKey !== null && !mayRun(virtualKey, tool, call, world)) return toolBlocked(tool, virtualKey)
  return problem({
    status: 501,
    type: 'unsupported_operation',
    code: 'unsupported_operation',
    message: 'Running tools is not supported yet.',
    errorType: 'caller_invalid_request',
    isFinal: true,
  })
}

/** The tool that a body names: as `name`, or as a call of a function as models write it. */
function toolIn(body: Buffer): string | null {
  const members = parsed(body)
  const name = members?.name ?? (members?.function as { readonly name?: unknown } | undefined)?.name
  return typeof name === 'string' && name !== '' ? name : null
}

function parsed(body: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** A tool is named `client-tool`; names of clients may have hyphens too. */
function mayRun(virtualKey: VirtualKeyFact, tool: string, call: Call, world: GovernanceWorld): boolean {
  return virtualKey.mcpConfigs.some(({ clientId, tools }) => {
    const client = world.mcpClient(clientId)
    if (client === null || !tool.startsWith(`${client.name}-`)) return false
    const name = tool.slice(client.name.length + 1)
    const isAllowed = tools.includes('*') || tools.includes(name)
    return isAllowed && isIncluded(call, client.name, tool)
  })
}

/** Headers of the request can narrow what the key allows, and nothing more. */
function isIncluded({ exchange }: Call, client: string, tool: string): boolean {
  const clients = listIn(exchange.header('x-bf-mcp-include-clients'))
  const tools = listIn(exchange.header('x-bf-mcp-include-tools'))
  const allTools = `${client}-*`
  return (
    (clients === null || clients.includes('*') || clients.includes(client)) &&
    (tools === null || tools.includes('*') || tools.includes(tool) || tools.includes(allTools))
  )
}

function listIn(header: string | null): readonly string[] | null {
  return header === null ? null : header.split(',').map((entry) => entry.trim())
}

function toolBlocked(tool: string, { name }: VirtualKeyFact): Problem {
  const message = `MCP tool '${tool}' is not allowed for virtual key '${name}'`
  return refused(403, 'mcp_tool_blocked', message, 'policy_tool_blocked', true)
}
