import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { databases } from '../setup/databases.ts'
import { type CallRecord, startLoad } from './load.ts'
import { chargedTo, expectEachAnswerOnce, tokensOf } from './truth.ts'
import { isLong, slug, type Tenant, until, type World, withWorld } from './world.ts'

const outputCap = 20

describe.each(databases())('killed on $name', (database) => {
  const rounds = isLong ? (database.name === 'SQLite' ? 20 : 5) : database.name === 'SQLite' ? 2 : 1

  test(
    `in the middle of 200 calls, the ledger has every complete answer once (${rounds} times over)`,
    { timeout: isLong ? 600_000 : 60_000 },
    () =>
      withWorld(database, {}, async (world) => {
        const ample = 1_000_000_000
        const plain = await world.tenantUnder(`TOKEN/DAY ${ample}`, `REQUEST/DAY ${ample}`)
        const strict = await world.tenantUnder(`TOKEN/DAY ${ample} strict`)
        const plainRecords: CallRecord[] = []
        const strictRecords: CallRecord[] = []
        for (let round = 0; round < rounds; round++) {
          const url = world.gateway.url
          const plainWish = (client: number) => ({ model: slug, stream: client % 2 === 1, ...paced(client) })
          const strictWish = (client: number) => ({
            model: slug,
            stream: true,
            max_tokens: outputCap,
            ...paced(client),
          })
          const loads = [
            startLoad({ url, key: plain.key, wishOf: plainWish, concurrency: 160 }),
            startLoad({ url, key: strict.key, wishOf: strictWish, concurrency: 40 }),
          ] as const
          await until(() => loads.every(({ records }) => records.length > 100), 'calls that end')
          await sleep(Math.random() * 500)
          await until(() => world.upstream.served().open > 0, 'a call to cut')
          await world.gateway.stop('SIGKILL')
          await Promise.all(loads.map((load) => load.stop()))
          plainRecords.push(...loads[0].records)
          strictRecords.push(...loads[1].records)

          await world.restart()
          const ledger = await world.ledger()
          expectEachAnswerOnce(ledger, [...plainRecords, ...strictRecords], world.upstream)

          const plainEvents = ledger.events.filter(({ node_id }) => node_id === plain.groupId)
          expect(chargedTo(ledger, plain.groupId, 'token')).toBe(tokensOf(plainEvents))
          expect(chargedTo(ledger, plain.groupId, 'request')).toBe(plainEvents.length)

          const strictEvents = ledger.events.filter(({ node_id }) => node_id === strict.groupId)
          const holds = strictHoldsSeen(world)
          expect(new Set(holds).size, 'all strict calls hold the same').toBe(1)
          const chargedWhole =
            (chargedTo(ledger, strict.groupId, 'token') - tokensOf(strictEvents)) / holds[0]!
          expect(chargedWhole % 1, 'strict calls that were charged in part').toBe(0)
          expect(chargedWhole).toBeGreaterThanOrEqual(holds.length - strictEvents.length)
          expect(chargedWhole).toBeLessThanOrEqual(
            strictRecords.filter(({ isComplete }) => !isComplete).length,
          )
          expect(ledger.openHolds).toEqual([])
        }
        await expectExactlyTheRest(world, plain)
      }),
  )

  test('strict calls under way are charged whole, once, and nobody is billed for them', () =>
    withWorld(database, {}, async (world) => {
      const tenant = await world.tenantUnder('TOKEN/DAY 1000000 strict')
      const done = await world.call(tenant, { max_tokens: outputCap }).ended
      world.upstream.program(() => ({ stallBefore: 'finish', stallAfterChunks: 0 }))
      const calls = Array.from({ length: 10 }, (_, index) =>
        world.call(tenant, { stream: index % 2 === 1, max_tokens: outputCap }),
      )
      await until(() => world.upstream.served().requests === 11, 'all calls upstream')
      await world.gateway.stop('SIGKILL')
      await Promise.all(calls.map(({ ended }) => ended))

      const holds = strictHoldsSeen(world).slice(1)
      for (let start = 0; start < 2; start++) {
        await world.restart()
        const ledger = await world.ledger()
        expect(expectEachAnswerOnce(ledger, [done], world.upstream)).toEqual([])
        expect(ledger.openHolds).toEqual([])
        const held = holds.reduce((sum, hold) => sum + hold, 0)
        expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(ledger.events) + held)
        await world.gateway.stop('SIGKILL')
      }
    }))
})

/** Asks the upstream for an answer of a pace of its own, so that the calls do not run in step. */
function paced(client: number): object {
  const delayMs = 10 + (client % 20)
  return { fake: { headDelayMs: delayMs, chunkDelayMs: delayMs } }
}

/** What each strict call that reached the upstream held: a token for each byte sent, and the cap. */
function strictHoldsSeen({ upstream }: World): number[] {
  const strict = upstream.requests.filter(({ json }) => json?.max_tokens === outputCap)
  return strict.map(({ body }) => body.length + outputCap)
}

/** What the counters in memory hold after a start, seen from outside: how much room they leave. */
async function expectExactlyTheRest(world: World, tenant: Tenant): Promise<void> {
  const used = chargedTo(await world.ledger(), tenant.groupId, 'request')
  await world.relimit(tenant, `REQUEST/DAY ${used + 10}`)
  const statuses = await Promise.all(Array.from({ length: 30 }, () => world.status(tenant)))
  expect(statuses.filter((status) => status === 200).length).toBe(10)
  expect(statuses.filter((status) => status === 429).length).toBe(20)
}
