import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { isLong } from '../setup/form.ts'
import { breakableDatabases } from './breakable.ts'
import { startLoad } from './load.ts'
import { chargedTo, expectEachAnswerOnce, tokensOf } from './truth.ts'
import { type ProcessWorld, slug, until, withProcessWorld } from './world.ts'

const awayMs = isLong ? 30_000 : 1500
/** From a call to its answer: the short form need not find out how many there can be. */
const headDelayMs = isLong ? 0 : 100
const clients = isLong ? 50 : 15
/** More than a warm heap swings by itself, and a fraction of all that the long form spools meanwhile. */
const growthLimitBytes = 64 * 2 ** 20

/** Side by side where both are mostly waited for; the long form measures memory under as much load as there can be. */
const describeAll = isLong ? describe : describe.concurrent

describeAll.each(breakableDatabases())('$name is away', (database) => {
  test(
    `for ${awayMs / 1000} s under load: calls go on, and afterwards nothing is missing and nothing is there twice`,
    { timeout: 240_000 },
    () =>
      withProcessWorld(database, {}, async (world, place) => {
        const tenant = await world.tenantUnder('TOKEN/DAY 1000000000', 'REQUEST/DAY 1000000000')
        const limited = await world.tenantUnder('REQUEST/DAY 7')
        const load = startLoad({
          url: world.gateway.url,
          key: tenant.key,
          // Records that would be seen in memory, should they pile up there.
          wishOf: (client) => ({
            model: slug,
            stream: client % 2 === 1,
            metadata: { note: 'x'.repeat(4000) },
            fake: { headDelayMs },
          }),
          concurrency: clients,
        })
        await until(() => load.records.length > 100, 'calls that end')
        await place.takeAway()

        const write = world.frontier.request('POST', `/groups/${limited.groupId}/api_keys`, {})
        const before = load.records.length
        const tries = await Promise.all(Array.from({ length: 20 }, () => world.call(limited).ended))
        expect(Map.groupBy(tries, ({ status }) => status).get(200)?.length).toBe(7)
        await sleep(awayMs / 3)
        const warmBytes = residentBytes(world)
        await sleep((awayMs * 2) / 3)
        expect(await world.unready(), 'the spool is the buffer').toBeNull()
        expect(await world.gauge('tollgate_spool_lag_bytes'), 'more than a turn waits').toBeLessThan(2 ** 20)
        await until(() => load.records.length > before + 200, 'calls that go on')
        if (isLong) expect(residentBytes(world) - warmBytes).toBeLessThan(growthLimitBytes)
        // In the short form the database is back before anybody's patience has ended.
        if (isLong) expect(await write).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
        await place.giveBack()
        expect([200, 503]).toContain((await write).status)

        await load.stop()
        const failed = load.records.filter(({ isComplete }) => !isComplete)
        expect(failed, 'calls that were not answered').toEqual([])
        await until(async () => (await world.frontier.request('GET', '/groups')).status === 200, 'a list')
        const isDrained = async () => (await world.gauge('tollgate_drain_lag_bytes')) === 0
        await until(isDrained, 'the end of the backlog', 120_000)
        expect(await world.gateway.stop()).toBe(0)

        const ledger = await world.ledger()
        expect(expectEachAnswerOnce(ledger, [...load.records, ...tries], world.upstream)).toEqual([])
        const events = ledger.events.filter(({ node_id }) => node_id === tenant.groupId)
        expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(events))
        expect(chargedTo(ledger, tenant.groupId, 'request')).toBe(load.records.length)
        expect(chargedTo(ledger, limited.groupId, 'request')).toBe(7)
      }),
  )

  test.runIf(isLong)(
    'and told to end, it ends all the same; the next start stores what was left',
    { timeout: 120_000 },
    () =>
      withProcessWorld(database, {}, async (world, place) => {
        const tenant = await world.tenantUnder('TOKEN/DAY 1000000000')
        await place.takeAway()
        const records = await Promise.all(Array.from({ length: 50 }, () => world.call(tenant).ended))
        expect(await world.gateway.stop()).toBe(0)
        await place.giveBack()
        await world.restart()
        const ledger = await world.ledger()
        expect(expectEachAnswerOnce(ledger, records, world.upstream)).toEqual([])
        expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(ledger.events))
      }),
  )
})

function residentBytes({ gateway }: ProcessWorld): number {
  const status = readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
