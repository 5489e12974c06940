import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { mostDatabases } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { startLoad } from './load.ts'
import { chargedTo, expectEachAnswerOnce, tokensOf } from './truth.ts'
import { type ProcessWorld, slug, until, withProcessWorld } from './world.ts'

const streams = 20

describe.each(mostDatabases())('the disk is full, on $name', (database) => {
  test('new calls are refused, those under way finish once there is room, and all are accounted', () =>
    withProcessWorld(database, {}, async (world) => {
      const tenant = await world.tenantUnder('TOKEN/DAY 1000000000', 'REQUEST/DAY 1000000000')
      const load = startLoad({
        url: world.gateway.url,
        key: tenant.key,
        wishOf: (client) => ({ model: slug, stream: client % 2 === 1 }),
        concurrency: 20,
      })
      const calls = Array.from({ length: streams }, () =>
        world.call(tenant, { stream: true, fake: { stallBefore: 'finish' } }),
      )
      await until(() => calls.every(({ text }) => text().includes('upstream')), 'contents of the streams')
      fill(world)
      await until(async () => (await world.unready())?.[0] === 'the spool cannot be written', 'unreadiness')
      const refused = await world.call(tenant).ended
      expect(refused.status).toBe(503)
      world.upstream.resume()
      await until(() => world.upstream.served().open === 0, 'whole answers upstream')
      await sleep(500)
      expect(calls.some(({ text }) => text().includes('[DONE]'))).toBe(false)

      clear(world)
      const ended = await Promise.all(calls.map(({ ended }) => ended))
      expect(ended.every(({ isComplete }) => isComplete)).toBe(true)
      await until(async () => (await world.unready()) === null, 'readiness')
      await load.stop()
      const last = await world.call(tenant).ended
      expect(last.status).toBe(200)
      expect(await world.gateway.stop()).toBe(0)

      const ledger = await world.ledger()
      const records = [...load.records, ...ended, refused, last]
      expect(expectEachAnswerOnce(ledger, records, world.upstream)).toEqual([])
      expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(ledger.events))
      expect(chargedTo(ledger, tenant.groupId, 'request')).toBe(ledger.events.length)
    }))

  test.runIf(isLong)(
    'for more than 30 s: calls under way are cut, and charged when there is room again',
    { timeout: 120_000 },
    () =>
      withProcessWorld(database, {}, async (world) => {
        const tenant = await world.tenantUnder('TOKEN/DAY 1000000000', 'REQUEST/DAY 1000000000')
        const calls = Array.from({ length: streams }, (_, index) =>
          world.call(tenant, { stream: index % 2 === 1, fake: { stallAfterChunks: 0 } }),
        )
        await until(() => world.upstream.served().open === streams, 'calls upstream')
        fill(world)
        world.upstream.resume()
        const ended = await Promise.all(calls.map(({ ended }) => ended))
        expect(ended.filter(({ isComplete }) => isComplete)).toEqual([])
        expect(ended.filter(({ status }) => status === 503).length).toBe(streams / 2)
        const ownFiles = database.name === 'SQLite'
        if (ownFiles) expect(world.gateway.log()).toContain('"event":"stopped"')
        clear(world)
        await until(async () => (await world.unready()) === null, 'readiness')
        if (ownFiles) await until(() => world.gateway.log().includes('"event":"resumed"'), 'the drain')
        expect(await world.gauge('tollgate_holds_open')).toBe(0)
        expect(await world.gateway.stop()).toBe(0)

        const ledger = await world.ledger()
        expect(expectEachAnswerOnce(ledger, ended, world.upstream).length).toBe(streams)
        expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(ledger.events))
      }),
  )
})

/** From now on the process can write to no file, nor to one that it has open: its disk is full. */
function fill(world: ProcessWorld): void {
  limitFiles(world, '0:')
}

function clear(world: ProcessWorld): void {
  limitFiles(world, 'unlimited:')
}

function limitFiles({ gateway }: ProcessWorld, soft: string): void {
  execFileSync('prlimit', ['--pid', String(gateway.process.pid), `--fsize=${soft}`])
}
