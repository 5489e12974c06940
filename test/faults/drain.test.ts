import { Agent, get } from 'node:http'
import { describe, expect, test } from 'vitest'
import { mostDatabases } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import type { OpenCall } from './load.ts'
import { chargedTo, expectEachAnswerOnce, tokensOf } from './truth.ts'
import { type Tenant, until, type World, withProcessWorld, withWorld } from './world.ts'

const streams = isLong ? 100 : 20
const chunks = 5

describe.each(mostDatabases())('told to end by SIGTERM, on $name', (database) => {
  test('it takes no new calls, finishes its streams and accounts for all of them', () =>
    withWorld(database, {}, async (world) => {
      const { tenant, calls } = await openStreams(world)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      expect(await readiness(world, agent)).toBe(200)
      const exit = world.gateway.stop()
      await until(async () => !(await isListening(world)), 'refused connections')
      expect(await readiness(world, agent)).toBe(503)
      agent.destroy()

      world.upstream.resume()
      const records = await Promise.all(calls.map(({ ended }) => ended))
      expect(records.filter(({ isComplete }) => isComplete).length).toBe(streams)
      expect(await exit).toBe(0)
      const ledger = await world.ledger()
      expect(expectEachAnswerOnce(ledger, records, world.upstream)).toEqual([])
      expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(ledger.events))
      expect(chargedTo(ledger, tenant.groupId, 'request')).toBe(streams)
    }))

  test('streams that are left at the limit are cut, and what was relayed is charged by estimate', () =>
    withWorld(database, { settings: { server: { drain_seconds: 0.3 } } }, async (world) => {
      const { tenant, calls } = await openStreams(world)
      expect(await world.gateway.stop()).toBe(0)
      const records = await Promise.all(calls.map(({ ended }) => ended))
      expect(records.filter(({ isComplete }) => isComplete)).toEqual([])
      expect(world.upstream.served()).toMatchObject({ open: 0, abandoned: streams })

      const ledger = await world.ledger()
      expect(expectEachAnswerOnce(ledger, records, world.upstream).length).toBe(streams)
      // The event that opens an answer is relayed too.
      const relayed = { estimated: 1, status: 499, output_tokens: chunks + 1 }
      for (const event of ledger.events) expect(event).toMatchObject(relayed)
      expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(ledger.events))
      expect(chargedTo(ledger, tenant.groupId, 'request')).toBe(streams)
    }))

  test('calls that still wait for an answer at the limit are told so, and those that have begun are cut', () =>
    withWorld(database, { settings: { server: { drain_seconds: 0.3 } } }, async (world) => {
      const tenant = await world.tenantUnder('REQUEST/DAY 1000')
      const waiting = [
        world.call(tenant, { fake: { stallBefore: 'head' } }),
        world.call(tenant, { stream: true, fake: { stallBefore: 'head' } }),
        world.call(tenant, { fake: { status: 400, cutAfterBytes: 20, cutBy: 'hang' } }),
        world.call(tenant, { fake: { cutAfterBytes: 20, cutBy: 'hang' } }),
        world.call(tenant, { stream: true, fake: { cutAfterBytes: 20, cutBy: 'hang' } }),
      ]
      const begun = world.call(tenant, {
        fake: { cutAfterBytes: 300_000, paddingBytes: 400_000, cutBy: 'hang' },
      })
      await until(() => world.upstream.served().open === 6, 'calls at the upstream')
      await until(() => begun.text().length > 0, 'the begin of an answer')
      expect(await world.gateway.stop()).toBe(0)
      for (const call of waiting) {
        expect(await call.ended).toMatchObject({ status: 503, requestId: expect.any(String) })
        expect(JSON.parse(call.text())).toMatchObject({ error_code: 'model_unavailable' })
      }
      expect(await begun.ended).toMatchObject({ status: 200, isComplete: false })
      const ledger = await world.ledger()
      expect(chargedTo(ledger, tenant.groupId, 'request')).toBe(6)
    }))

  test('a second signal ends it at once, and what was answered stays accounted', () =>
    withProcessWorld(database, {}, async (world) => {
      const { tenant, calls } = await openStreams(world)
      const answered = await Promise.all(Array.from({ length: 50 }, () => world.call(tenant).ended))
      const exit = world.gateway.stop()
      await until(async () => !(await isListening(world)), 'refused connections')
      world.gateway.process.kill('SIGTERM')
      expect(await exit).toBe(1)
      const records = [...answered, ...(await Promise.all(calls.map(({ ended }) => ended)))]
      await world.restart()
      const ledger = await world.ledger()
      expect(expectEachAnswerOnce(ledger, records, world.upstream)).toEqual([])
      expect(ledger.events.length).toBe(50)
      expect(chargedTo(ledger, tenant.groupId, 'request')).toBe(50)
    }))
})

/** Streams of which all contents have come, and nothing more will until the upstream resumes. */
async function openStreams(world: World): Promise<{ tenant: Tenant; calls: OpenCall[] }> {
  const tenant = await world.tenantUnder('TOKEN/DAY 1000000000', 'REQUEST/DAY 1000000000')
  const wish = { stream: true, fake: { chunks, stallBefore: 'finish' } }
  const calls = Array.from({ length: streams }, () => world.call(tenant, wish))
  await until(() => calls.every(({ text }) => text().includes('upstream')), 'contents of the streams')
  return { tenant, calls }
}

async function isListening(world: World): Promise<boolean> {
  const agent = new Agent({ keepAlive: false })
  return readiness(world, agent).then(
    () => true,
    () => false,
  )
}

/** Status of `/readyz`, asked for on the agent's one connection. */
function readiness({ gateway }: World, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = get(`${gateway.url}/readyz`, { agent }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
    asked.once('error', reject)
  })
}
