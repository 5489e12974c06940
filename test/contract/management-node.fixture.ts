import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createManagement } from '../../src/api/management.ts'
import { openBilling } from '../../src/billing/billing.ts'
import { isFailure } from '../../src/domain/failure.ts'
import { ulidSource } from '../../src/domain/ids.ts'
import { openMemoryCounters } from '../../src/limits/memory.ts'
import { openDatabase, parseDatabaseUrl } from '../../src/store/open.ts'
import { openTenancy } from '../../src/tenancy/tenancy.ts'
import { masterKeyOfTests } from '../setup/gateway.ts'

/**
 * One of several processes that serve the management API from one database. Told `snapshot`, it takes in what the
 * others have written and sends what its calls would be judged by.
 */
const [, , url = ''] = process.argv
const location = parseDatabaseUrl(url)
if ('failure' in location) throw new Error(`not a database: ${url}`)
const database = await openDatabase(location)
const newUlid = ulidSource()
const tenancy = await openTenancy({
  database,
  clock: Date.now,
  newUlid,
  random: randomBytes,
  masterKey: masterKeyOfTests,
})
if (isFailure(tenancy)) throw new Error(JSON.stringify(tenancy))
const refused = await tenancy.applyWorkspaces([
  {
    id: 'aurora',
    name: 'Aurora',
    onboarded: true,
    slugPrefixes: ['aurora'],
    domains: [],
    keys: [{ name: 'tests', value: 'workspace-key-of-aurora', type: 'WORKSPACE_MANAGE_ALL' }],
    secrets: [],
    environments: [],
    registrationPublicKey: null,
  },
])
if (refused) throw new Error(JSON.stringify(refused))

const { fetch } = createManagement({
  tenancy,
  billing: openBilling({ database, masterKey: masterKeyOfTests, clock: Date.now, newUlid }),
  counters: openMemoryCounters(),
  clock: Date.now,
  requestsPerSecond: 1_000_000,
  reportBug(error) {
    console.error(error)
    return 'bug'
  },
})
const server = createServer(getRequestListener(fetch)).listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
process.on('message', async () => {
  await tenancy.refresh()
  const { revision, tables } = tenancy.snapshot()
  process.send?.({
    revision,
    nodes: [...tables.nodes.values()],
    liveKeys: [...tables.keys.values()]
      .filter((key) => !key.revoked)
      .map(({ id, nodeId }) => ({ id, nodeId })),
  })
})
process.once('disconnect', () => process.exit())
