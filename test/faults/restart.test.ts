import { describe, expect, test } from 'vitest'
import { mostDatabases } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { noon, type Tenant, type World, withProcessWorld } from './world.ts'

const secondMs = 1000
const dayMs = 86_400_000

const signals: [NodeJS.Signals, NodeJS.Signals][] = [['SIGKILL', 'SIGTERM']]
if (isLong) signals.push(['SIGTERM', 'SIGKILL'])

describe.each(mostDatabases())('started again on $name', (database) => {
  test.each(signals)(
    'after %s and %s, the last minute and the day go on where they stopped',
    (first, second) =>
      withProcessWorld(database, { script: { promptTokens: 95, chunks: 5 }, clock: noon }, async (world) => {
        const byRequests = await world.tenantUnder('REQUEST/MINUTE 6')
        const byTokens = await world.tenantUnder('TOKEN/MINUTE 600')
        const byDay = await world.tenantUnder('REQUEST/DAY 6')
        const byDayTokens = await world.tenantUnder('TOKEN/DAY 600')
        const tenants = [byRequests, byTokens, byDay, byDayTokens]
        const admittedOfAll = async () => {
          const counts = []
          for (const tenant of tenants) counts.push(await admitted(world, tenant))
          return counts
        }

        for (const tenant of tenants) await callTimes(world, tenant, 3)
        await world.gateway.setClock(noon + 30 * secondMs)
        for (const tenant of tenants) await callTimes(world, tenant, 2)
        await world.gateway.stop(first)

        await world.restart(noon + 31 * secondMs)
        expect(await admittedOfAll(), 'one more each').toEqual([1, 1, 1, 1])
        await world.gateway.stop(second)

        // The three of noon have left the minute, the three others have not.
        await world.restart(noon + 62 * secondMs)
        expect(await admittedOfAll()).toEqual([3, 3, 0, 0])

        // A day later, in the short form, the one that runs is as good as another.
        if (isLong) {
          await world.gateway.stop(first)
          await world.restart(noon + dayMs)
        } else await world.gateway.setClock(noon + dayMs)
        expect(await admittedOfAll()).toEqual([6, 6, 6, 6])
      }),
  )
})

/** One after the other, so that no call is judged by what another holds. */
async function callTimes(world: World, tenant: Tenant, times: number): Promise<void> {
  for (let call = 0; call < times; call++) expect(await world.status(tenant)).toBe(200)
}

/** How many calls are admitted until one is refused. */
async function admitted(world: World, tenant: Tenant): Promise<number> {
  for (let count = 0; ; count++) {
    const status = await world.status(tenant)
    if (status === 429) return count
    expect(status).toBe(200)
  }
}
