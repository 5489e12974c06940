import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { fromPico, toPico } from '../domain/quantity.ts'
import type { Database } from '../store/database.ts'
import type { DrainOptions } from './drain.ts'
import type { FactRecord } from './fact-record.ts'
import { spoolFiles } from './files.ts'
import {
  dayCharge,
  emptyTables,
  event,
  factsOf,
  hold,
  noon,
  recoverWith,
  settlement,
  tablesOf,
  temporaryPlace,
  testDrain,
  testSpool,
} from './ledger.fixture.ts'
import type { LedgerRecord } from './record.ts'

type AccountRecord = Exclude<LedgerRecord, FactRecord>

import { isLong } from '../../test/setup/form.ts'
import type { SpoolMessage } from './segment.ts'

const today = Date.UTC(2026, 5, 1)

/** What the tables have to hold, kept in the plainest way. */
function plainModel() {
  const totals = new Map<string, bigint>()
  const events = new Set<string>()
  const holds = new Map<string, number>()
  const add = (counter: string, pico: bigint) => totals.set(counter, (totals.get(counter) ?? 0n) + pico)

  return {
    take(record: AccountRecord) {
      if (record.record === 'hold') holds.set(record.id, record.holds[0]?.amount.whole ?? 0)
      else holds.delete(record.id)
      if (record.record !== 'settlement') return
      if (record.event !== null) events.add(record.id)
      for (const { counter, amount } of record.charges) add(counter, toPico(amount))
    },
    restart() {
      for (const whole of holds.values()) {
        add('strict', BigInt(whole) * 1_000_000n)
      }
      holds.clear()
    },
    tables: () => ({
      rollups: Object.fromEntries(
        [...totals].sort().map(([counter, pico]) => {
          const { whole, pico: rest } = fromPico(pico)
          return [`${counter} ${today}`, [whole, rest]]
        }),
      ),
      events: [...events].sort(),
      holds: [...holds.keys()].sort(),
    }),
  }
}

type Fate = 'ok' | 'before' | 'within' | 'after' | 'read' | 'unlink'

/** A process whose database and files fail, one step after the other, as the fates say; and which may die of it. */
function fatefulProcess(database: Database, fates: Fate[], dies: boolean) {
  const state = { dead: false }
  const fail = (at: Fate) => {
    if (state.dead) throw new Error('dead')
    if (fates[0] !== at) return
    fates.shift()
    state.dead = dies
    throw new Error(`failed: ${at}`)
  }
  const skip = () => {
    if (fates[0] === 'ok') fates.shift()
  }
  const faulty: Database = {
    ...database,
    async transaction(work) {
      skip()
      fail('before')
      const result = await database.transaction(async (transaction) => {
        const result = await work(transaction)
        fail('within')
        return result
      })
      fail('after')
      return result
    },
  }
  const files: DrainOptions['files'] = {
    ...spoolFiles,
    read(path, spare) {
      skip()
      fail('read')
      return spoolFiles.read(path, spare)
    },
    remove(path) {
      skip()
      fail('unlink')
      spoolFiles.remove(path)
    },
  }
  return { database: faulty, files, state }
}

const stepOf = {
  settle: fc.record({
    step: fc.constant('settle' as const),
    whole: fc.nat({ max: 2 ** 40 }),
    pico: fc.nat({ max: 999_999 }),
    billable: fc.boolean(),
  }),
  hold: fc.record({ step: fc.constant('hold' as const), whole: fc.nat(1000) }),
  end: fc.record({ step: fc.constant('end' as const), pick: fc.nat(3), settled: fc.boolean() }),
  turn: fc.constant({ step: 'turn' as const }),
  drain: fc.constant({ step: 'drain' as const }),
  crash: fc.record({ step: fc.constant('crash' as const), torn: fc.nat(200) }),
}
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: stepOf.settle },
    { weight: 2, arbitrary: stepOf.hold },
    { weight: 2, arbitrary: stepOf.end },
    { weight: 2, arbitrary: stepOf.turn },
    { weight: 2, arbitrary: stepOf.drain },
    { weight: 1, arbitrary: stepOf.crash },
  ),
  { maxLength: 60 },
)
const fates = fc.array(fc.constantFrom<Fate>('ok', 'ok', 'before', 'within', 'after', 'read', 'unlink'), {
  maxLength: 12,
})

/** True: the process died meanwhile. */
async function untilIdleOr(idle: Promise<unknown>, state: { readonly dead: boolean }): Promise<boolean> {
  let isIdle = false
  void idle.then(() => {
    isIdle = true
  })
  while (!isIdle && !state.dead) await nextTurn()
  return state.dead
}

async function callsInBuckets(database: Database): Promise<number> {
  const { buckets } = await factsOf(database)
  return buckets.reduce((sum, { calls }) => sum + calls, 0)
}

/** The beginning of a record whose end was never written. */
function appendTorn(path: string, bytes: number): void {
  const frame = Buffer.alloc(300, 'x')
  frame.writeUInt32LE(292, 0)
  writeFileSync(path, frame.subarray(0, bytes), { flag: 'a' })
}

/**
 * Runs a process that spools, drains, and prints the id of each record that is in its file; kills it after a while.
 * Returns the ids.
 */
async function killedProcess(directory: string, url: string, lifeMs: number): Promise<string[]> {
  const program = fileURLToPath(new URL('./crash.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [program, directory, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => {
    if (out === '') setTimeout(() => child.kill('SIGKILL'), lifeMs)
    out += chunk
  })
  await once(child, 'close')
  return out.split('\n').slice(0, -1)
}

describe.each(databases())(
  'whatever fails and whenever the process dies, on $name,',
  ({ open, create, name }) => {
    let database: Database
    beforeAll(async () => {
      database = await open()
    })
    afterAll(() => database.close())

    test('the tables are what a plain model says', async () => {
      const property = fc.asyncProperty(steps, fates, fc.boolean(), async (steps, fates, dies) => {
        await emptyTables(database)
        const place = temporaryPlace()
        const model = plainModel()
        let life = await start()
        let number = 0
        const open: string[] = []

        async function start() {
          for (;;) {
            const broken = fatefulProcess(database, fates, dies)
            const limits = {
              recordsPerTransaction: 3,
              watermarkMs: 60_000,
              firstRetryMs: 0,
              longestRetryMs: 0,
            }
            const drain = testDrain(broken.database, place.directory, { limits, files: broken.files })
            const recovering = recoverWith(drain, broken.database, place.directory).catch(
              (error: unknown) => error,
            )
            const died = await untilIdleOr(recovering, broken.state)
            if (died) await drain.close()
            await recovering
            if (!broken.state.dead && !((await recovering) instanceof Error)) {
              const told: SpoolMessage[] = []
              const spool = testSpool(place.directory, (message) => told.push(message), {
                limits: { segmentBytes: 1500, beatMs: 60_000, longestWaitMs: 60_000 },
              })
              return { spool, told, drain, state: broken.state }
            }
            if (!died) await drain.close()
          }
        }

        async function die(torn: number) {
          await nextTurn()
          await life.drain.close()
          await life.spool.close()
          const newest = readdirSync(place.directory).sort().at(-1)
          if (newest !== undefined && torn > 0) appendTorn(join(place.directory, newest), torn)
          model.restart()
          open.length = 0
          life = await start()
        }

        for (const step of steps) {
          let record: AccountRecord | null = null
          const id = `a${String(number++).padStart(4, '0')}`
          if (step.step === 'settle') {
            const charges = [dayCharge('dollars', step.whole, step.pico), dayCharge('requests', 1)]
            record = settlement(id, { charges, event: step.billable ? event() : null })
          } else if (step.step === 'hold') {
            record = hold(id, step.whole)
            open.push(id)
          } else if (step.step === 'end') {
            const [held] = open.splice(step.pick, 1)
            if (held === undefined) continue
            record = step.settled
              ? settlement(held, { closesHold: true, charges: [dayCharge('strict', 1)] })
              : { record: 'release', id: hold(held, 0).id, at: noon }
          } else if (step.step === 'turn') await nextTurn()
          else if (step.step === 'drain') {
            for (const message of life.told.splice(0)) life.drain.accept(message)
            if (await untilIdleOr(life.drain.idle(), life.state)) await die(0)
          } else await die(step.torn)
          if (record !== null) {
            model.take(record)
            life.spool.append(record, () => {})
          }
        }
        await die(0)
        fates.length = 0
        await die(0)
        await life.drain.close()
        const { rollups, eventIds, holds, progress } = await tablesOf(database)
        expect({ rollups, events: eventIds, holds }).toEqual(model.tables())
        expect(await callsInBuckets(database)).toBe(eventIds.length)
        expect(readdirSync(place.directory)).toEqual([])
        expect(progress).toEqual([])
        place.remove()
      })
      await fc.assert(property, { numRuns: isLong ? 400 : name === 'SQLite' ? 20 : 5 })
    })

    test('a killed process has accounted for every answer it gave, exactly once', async () => {
      const place = temporaryPlace()
      const data = await create()
      const kills = isLong ? 25 : name === 'SQLite' ? 2 : 1
      const answered: string[] = []
      for (let kill = 0; kill < kills; kill++) {
        answered.push(...(await killedProcess(place.directory, data.url, 40 + ((kill * 97) % 400))))
      }
      const after = await data.open()
      const drain = testDrain(after, place.directory)
      await recoverWith(drain, after, place.directory)
      await drain.close()

      const { rollups, events, progress, holds } = await tablesOf(after)
      const stored = new Set(events.map(({ id }) => id))
      expect(answered.length).toBeGreaterThan(kills)
      expect(answered.filter((id) => !stored.has(id))).toEqual([])
      expect(await callsInBuckets(after)).toBe(events.length)
      const pico = 123_456_789n * BigInt(events.length)
      expect(rollups[`requests ${today}`]).toEqual([events.length, 0])
      expect(
        toPico({ whole: rollups[`dollars ${today}`]?.[0] ?? 0, pico: rollups[`dollars ${today}`]?.[1] ?? 0 }),
      ).toBe(pico)
      expect({ progress, holds, left: readdirSync(place.directory) }).toEqual({
        progress: [],
        holds: [],
        left: [],
      })
      expect(drain.events.filter(({ event }) => event !== 'torn_tail_cut')).toEqual([])

      await after.close()
      await data.remove()
      place.remove()
    })
  },
)
