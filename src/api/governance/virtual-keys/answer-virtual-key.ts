import { z } from 'zod'
import type { VirtualKeyFact } from '../../../tenancy/governance/facts.ts'
import type { GovernanceVisit } from '../route.ts'
import { Customer, NestedTeam } from '../schemas.ts'
import { partyShapes } from '../shape.ts'
import type { Tree } from '../tree.ts'
import { McpConfig, NestedVirtualKey } from './schemas.ts'
import { toNestedKey } from './shape.ts'
import { readKeyTree } from './tree.ts'

const McpClientShown = z
  .object({ id: z.int(), name: z.string(), connection_type: z.string() })
  .meta({ id: 'McpClientShown', description: 'An MCP client, without its connection.' })

/** A virtual key that stands alone. */
export const VirtualKey = NestedVirtualKey.extend({
  mcp_configs: z.array(McpConfig.extend({ mcp_client: McpClientShown.optional() })),
  team: NestedTeam.optional(),
  customer: Customer.optional(),
}).meta({ id: 'VirtualKey', description: 'The credential of an application.' })

/** One virtual key with all that it is shown with. */
export async function answerVirtualKey(visit: GovernanceVisit, key: VirtualKeyFact) {
  const tree = await readKeyTree(visit, [key])
  return { virtual_key: virtualKeyShape(tree)(key) }
}

/** Virtual keys of a tree in their wire form. */
export function virtualKeyShape(tree: Tree): (key: VirtualKeyFact) => z.output<typeof VirtualKey> {
  const { world, expansion } = tree
  const parties = partyShapes(tree)
  return (key) => {
    const { mcp_configs, ...nested } = toNestedKey(key, tree)
    const shown = {
      ...nested,
      mcp_configs: mcp_configs.map((config) => ({ ...config, ...clientOf(config.mcp_client_id, tree) })),
    }
    if (expansion === 'none') return shown
    const team = key.teamId === null ? null : world.team(key.teamId)
    const customer = key.customerId === null ? null : world.customer(key.customerId)
    return {
      ...shown,
      ...(team === null ? {} : { team: parties.nestedTeam(team) }),
      ...(customer === null ? {} : { customer: parties.customer(customer) }),
    }
  }
}

function clientOf(id: number, { world }: Tree): { mcp_client?: z.output<typeof McpClientShown> } {
  const client = world.mcpClient(id)
  if (client === null) return {}
  return { mcp_client: { id, name: client.name, connection_type: client.connectionType } }
}
