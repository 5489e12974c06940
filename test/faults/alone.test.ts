import { expect, test } from 'vitest'
import { databases } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { configurationFor } from '../setup/frontier.ts'
import { GatewayDidNotStart, startGatewayProcess } from '../setup/gateway.ts'
import { withProcessWorld } from './world.ts'

const [sqlite, postgres] = databases()

test('a second process on the same files ends at once and says why', () =>
  withProcessWorld(sqlite!, {}, async (world, { url }) => {
    const second = startGatewayProcess({ dataDirectory: world.gateway.dataDirectory, databaseUrl: url })
    const refusal = await second.then(() => null, asRefusal)
    expect(refusal).toMatchObject({ exitCode: 78, log: expect.stringContaining('--data') })
    expect(await world.unready()).toBeNull()
  }))

test.runIf(isLong)('a second gateway on one Postgres ends and names counters.url', { timeout: 90_000 }, () =>
  withProcessWorld(postgres!, {}, async (world, { url }) => {
    const config = configurationFor(world.upstream.url)
    const refusal = await startGatewayProcess({ config, databaseUrl: url }).then(() => null, asRefusal)
    expect(refusal).toMatchObject({ exitCode: 78, log: expect.stringContaining('counters.url') })
    expect(await world.unready()).toBeNull()

    await world.gateway.stop('SIGKILL')
    const heir = await startGatewayProcess({ config, databaseUrl: url })
    expect(await heir.stop(), 'another one takes over from one that died').toBe(0)
  }),
)

function asRefusal(error: unknown): GatewayDidNotStart {
  if (error instanceof GatewayDidNotStart) return error
  throw error
}
