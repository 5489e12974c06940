import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { type CallRecord, startLoad } from './load.ts'
import { chargedTo, expectEachAnswerOnce, expectFactsAgree, type Ledger, tokensOf } from './truth.ts'
import { noon, openProcessWorld, type ProcessWorld, slug, type Tenant, until } from './world.ts'

const outputCap = 20
/** The answers to plain calls, in the short form, are far enough apart for the machine to do more than answer. */
const soonestMs = isLong ? 10 : 80
const ample = 1_000_000_000
/** Calls that have ended before the kill. */
const enough = isLong ? 100 : 40

describe.each(mostDatabases())('killed on $name', (database) => {
  let place: TestPlace
  let world: ProcessWorld
  let tenant: Tenant
  beforeAll(async () => {
    place = await database.create()
    world = await openProcessWorld({ place, clock: noon })
    tenant = await world.tenantUnder(`TOKEN/DAY ${ample} strict`)
  })
  afterAll(async () => {
    await world.close()
    await place.remove()
  })

  const rounds = isLong ? (database.name === 'SQLite' ? 20 : 5) : 1

  test(`in the middle of 200 calls, the ledger has every complete answer once (${rounds} times over)`, {
    timeout: isLong ? 600_000 : 60_000,
  }, async () => {
    const plain = await world.tenantUnder(`TOKEN/DAY ${ample}`, `REQUEST/DAY ${ample}`)
    const strict = await world.tenantUnder(`TOKEN/DAY ${ample} strict`)
    const plainRecords: CallRecord[] = []
    const strictRecords: CallRecord[] = []
    for (let round = 0; round < rounds; round++) {
      const [ofPlain, ofStrict] = await killUnderLoad(world, plain, strict)
      plainRecords.push(...ofPlain)
      strictRecords.push(...ofStrict)
      await world.restart()
      const ledger = await world.ledger()
      expectEachAnswerOnce(ledger, [...plainRecords, ...strictRecords], world.upstream)
      expectSumsOfEvents(ledger, plain)
      await expectFactsAgree(place)
      expectCutCallsChargedWhole(ledger, strict, strictRecords, world)
    }
    await expectExactlyTheRest(world, plain)
  })

  test('strict calls under way are charged whole, once, and nobody is billed for them', async () => {
    const earlier = { requests: world.upstream.served().requests, holds: strictHoldsSeen(world).length }
    const done = await world.call(tenant, { max_tokens: outputCap }).ended
    const calls = Array.from({ length: 10 }, (_, index) => {
      const stream = index % 2 === 1
      const fake = { stallAfterChunks: stream ? index % 3 : 0 }
      return world.call(tenant, { stream, max_tokens: outputCap, fake })
    })
    await until(() => world.upstream.served().requests === earlier.requests + 11, 'all calls upstream')
    await world.gateway.stop('SIGKILL')
    await Promise.all(calls.map(({ ended }) => ended))

    const held = strictHoldsSeen(world)
      .slice(earlier.holds + 1)
      .reduce((sum, hold) => sum + hold, 0)
    for (let start = 0; start < 2; start++) {
      await world.restart()
      const whole = await world.ledger()
      const ledger = { ...whole, events: eventsOf(whole, tenant) }
      expect(expectEachAnswerOnce(ledger, [done], world.upstream)).toEqual([])
      expect(ledger.openHolds).toEqual([])
      expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(ledger.events) + held)
      await world.gateway.stop('SIGKILL')
    }
  })
})

/** 160 plain clients and 40 strict ones; what they saw up to the kill and after it. */
async function killUnderLoad(
  { gateway, upstream }: ProcessWorld,
  plain: Tenant,
  strict: Tenant,
): Promise<[readonly CallRecord[], readonly CallRecord[]]> {
  const { url } = gateway
  const plainLoad = startLoad({
    url,
    key: plain.key,
    wishOf: (client) => ({ model: slug, stream: client % 2 === 1, ...paced(client) }),
    concurrency: 160,
  })
  const strictLoad = startLoad({
    url,
    key: strict.key,
    wishOf: (client) => ({ model: slug, stream: true, max_tokens: outputCap, ...paced(client) }),
    concurrency: 40,
  })
  const loads = [plainLoad, strictLoad]
  await until(() => loads.every(({ records }) => records.length > enough), 'calls that end')
  await sleep(Math.random() * (isLong ? 500 : 100))
  await until(() => upstream.served().open > 0, 'a call to cut')
  await gateway.stop('SIGKILL')
  await Promise.all(loads.map((load) => load.stop()))
  return [plainLoad.records, strictLoad.records]
}

/** Asks the upstream for an answer of a pace of its own, so that the calls do not run in step. */
function paced(client: number): object {
  const delayMs = 10 + (client % 20)
  return { fake: { headDelayMs: soonestMs + (client % 20), chunkDelayMs: delayMs } }
}

function eventsOf({ events }: Ledger, { groupId }: Tenant) {
  return events.filter(({ node_id }) => node_id === groupId)
}

function expectSumsOfEvents(ledger: Ledger, tenant: Tenant): void {
  const events = eventsOf(ledger, tenant)
  expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(events))
  expect(chargedTo(ledger, tenant.groupId, 'request')).toBe(events.length)
}

/** What no event explains are whole holds: at least of all calls that were sent, at most of all that were cut. */
function expectCutCallsChargedWhole(
  ledger: Ledger,
  tenant: Tenant,
  records: readonly CallRecord[],
  world: ProcessWorld,
): void {
  const events = eventsOf(ledger, tenant)
  const holds = strictHoldsSeen(world)
  expect(new Set(holds).size, 'all strict calls hold the same').toBe(1)
  const unexplained = chargedTo(ledger, tenant.groupId, 'token') - tokensOf(events)
  const chargedWhole = unexplained / holds[0]!
  expect(chargedWhole % 1, 'strict calls that were charged in part').toBe(0)
  expect(chargedWhole).toBeGreaterThanOrEqual(holds.length - events.length)
  expect(chargedWhole).toBeLessThanOrEqual(records.filter(({ isComplete }) => !isComplete).length)
  expect(ledger.openHolds).toEqual([])
}

/** What each strict call that reached the upstream held: a token for each byte sent, and the cap. */
function strictHoldsSeen({ upstream }: ProcessWorld): number[] {
  const strict = upstream.requests.filter(({ json }) => json?.max_tokens === outputCap)
  return strict.map(({ body }) => body.length + outputCap)
}

/** What the counters in memory hold after a start, seen from outside: how much room they leave. */
async function expectExactlyTheRest(world: ProcessWorld, tenant: Tenant): Promise<void> {
  const used = chargedTo(await world.ledger(), tenant.groupId, 'request')
  await world.relimit(tenant, `REQUEST/DAY ${used + 10}`)
  const statuses = await Promise.all(Array.from({ length: 30 }, () => world.status(tenant)))
  expect(statuses.filter((status) => status === 200).length).toBe(10)
  expect(statuses.filter((status) => status === 429).length).toBe(20)
}
