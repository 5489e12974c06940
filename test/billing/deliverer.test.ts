import { randomBytes, randomUUID } from 'node:crypto'
import { lookup } from 'node:dns'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Billing, openBilling } from '../../src/billing/billing.ts'
import { type Deliverer, openDeliverer } from '../../src/billing/deliverer.ts'
import { takeLease } from '../../src/billing/lease.sql.ts'
import type { DeliveryLimits } from '../../src/billing/limits.ts'
import { openDeliverySweep } from '../../src/billing/sweep.ts'
import { isFailure } from '../../src/domain/failure.ts'
import { type InstanceId, ulidSource, type WorkspaceId } from '../../src/domain/ids.ts'
import { usageEventColumns } from '../../src/ledger/chunk.ts'
import { noteWaitingEvents } from '../../src/ledger/waiting.sql.ts'
import { openMemoryCounters } from '../../src/limits/memory.ts'
import { bulkInsert } from '../../src/store/bulk.ts'
import type { Database } from '../../src/store/database.ts'
import { deriveKeyring } from '../../src/tenancy/sealing/keyring.ts'
import { openTenancy, type Tenancy } from '../../src/tenancy/tenancy.ts'
import { openEgress } from '../../src/upstream/egress.ts'
import { until } from '../faults/world.ts'
import { mostDatabases } from '../setup/databases.ts'
import { answer, eventsIn, expectedSignature, hang, type Receiver, startReceiver } from './receiver.ts'
import { usageRow } from './rows.ts'

const noon = Date.UTC(2026, 10, 2, 12)
const masterKey = 'the master key of the tests'
const workspaceId = 'default' as WorkspaceId
const caller = { workspaceId, actor: 'test' }
const secret = 'first-secret'
const beats = { roundMs: 10, measureMs: 10, leaseMs: 2000, retryWriteMs: 10 }
const limits: DeliveryLimits = {
  eventsPerDelivery: 100,
  lingerMs: 1000,
  attemptMs: 10_000,
  firstBackoffMs: 1000,
  longestBackoffMs: 5000,
  giveUpMs: 15_000,
}
const dayMs = 86_400_000

describe.each(mostDatabases())('deliveries on $name', ({ open, name }) => {
  let database: Database
  let tenancy: Tenancy
  let billing: Billing
  let receiver: Receiver
  let now: number
  let stored: number
  let deliverers: Deliverer[]
  let troubles: unknown[]

  beforeEach(async () => {
    database = await open()
    receiver = await startReceiver()
    now = noon
    stored = 0
    deliverers = []
    troubles = []
    const opened = await openTenancy({
      database,
      clock: () => now,
      newUlid: ulidSource(),
      random: randomBytes,
      masterKey,
      counters: openMemoryCounters(),
    })
    if (isFailure(opened)) throw new Error(opened.failure)
    tenancy = opened
    billing = openBilling({ database, masterKey, clock: () => now, newUlid: ulidSource() })
    await tenancy.putWebhook(caller, { url: receiver.url, secret })
  })
  afterEach(async () => {
    for (const deliverer of deliverers) await deliverer.close()
    await receiver.close()
    await database.close()
  })

  function deliver(
    over: Partial<DeliveryLimits> = {},
    instance = 'one',
    allowPrivate = ['127.0.0.0/8'],
  ): Deliverer {
    const egress = openEgress({ trusted: [], allowPrivate, origins: new Map() }, lookup)
    if (isFailure(egress)) throw new Error(egress.failure)
    const deliverer = openDeliverer({
      database,
      instance: instance as InstanceId,
      keyring: deriveKeyring(masterKey),
      egress,
      clock: () => now,
      newUlid: ulidSource(),
      newUuid: randomUUID,
      limits: { ...limits, ...over },
      onError: (error) => troubles.push(error),
      beats,
    })
    deliverers.push(deliverer)
    return deliverer
  }

  /** Events as one transaction of the drain stores them; their ids. */
  async function store(count: number, at = now): Promise<string[]> {
    const rows = Array.from({ length: count }, () =>
      usageRow({ id: `01K${String(stored++).padStart(23, '0')}`, at, workspace_id: workspaceId }),
    )
    const values = rows.map((row) => usageEventColumns.map((column) => row[column]))
    const chunk = `chunk-${stored}`
    await database.transaction(async (it) => {
      await bulkInsert(it, database.kind, 'usage_events', usageEventColumns, values)
      await noteWaitingEvents(it, database.kind, chunk, values)
    })
    return rows.map((row) => row.id)
  }

  const taken = () =>
    receiver.received
      .filter(({ isTaken }) => isTaken)
      .flatMap(({ body }) => eventsIn(body).map((it) => it.idempotencyKey))
  const page = { workspaceId: null, limit: 1000, cursor: null }
  const rowsOf = async (which: 'listDeliveries' | 'listDeadLetters') => {
    const listed = await billing[which](page)
    if (isFailure(listed)) throw new Error(listed.failure)
    return listed.items
  }
  const dead = () => rowsOf('listDeadLetters')
  const state = async () => (await rowsOf('listDeliveries')).map((row) => row.state)
  /** Longer than several rounds: what has not happened by now will not. */
  const aWhile = () => sleep(150)
  const waiting = async () =>
    (await database.read.selectFrom('waiting_events').select('events').execute()).reduce(
      (sum, row) => sum + row.events,
      0,
    )

  test('events linger for others until the first has waited a second, or a hundred are there', async () => {
    deliver()
    const few = [...(await store(3)), ...(await store(4, now + 500))]
    now += 999
    await aWhile()
    expect(receiver.received).toEqual([])
    now += 1
    await until(() => receiver.received.length === 1, 'a delivery')
    expect(taken()).toEqual(few)
    const many = await store(230)
    await until(() => taken().length === 237, 'three more')
    expect(taken().sort()).toEqual([...few, ...many])
    const sizes = receiver.received.slice(1).map(({ body }) => eventsIn(body).length)
    expect(sizes.sort()).toEqual([100, 100, 30])
    await until(
      async () => (await state()).join() === 'delivered,delivered,delivered,delivered',
      'the outcome',
    )
    expect(await waiting()).toBe(0)
    // What was delivered need not be kept twice.
    expect(await database.read.selectFrom('deliveries').select('body').distinct().execute()).toEqual([
      { body: null },
    ])
  })

  test('failed attempts follow each other after 1, 2, 4 and 5 seconds; no sixth fits into fifteen', async () => {
    receiver.conduct = answer(503)
    deliver()
    await store(1)
    now += 1000
    let attempts = 1
    for (const waitMs of [1000, 2000, 4000, 5000]) {
      await until(() => receiver.received.length === attempts, `attempt ${attempts}`)
      await aWhile()
      now += waitMs - 1
      await aWhile()
      expect(receiver.received.length).toBe(attempts)
      now += 1
      attempts += 1
    }
    await until(async () => (await dead()).length === 1, 'a dead letter')
    expect(receiver.received.length).toBe(5)
    expect(new Set(receiver.received.map(({ body }) => String(body))).size).toBe(1)
    expect(new Set(receiver.received.map(({ signature }) => signature)).size).toBe(1)
    expect(new Set(receiver.received.map(({ requestId }) => requestId)).size).toBe(1)
    expect(await dead()).toMatchObject([{ attempts: 5, last_status: 503, problem: 'answered 503' }])
    now += dayMs
    await aWhile()
    expect(receiver.received.length).toBe(5)
  })

  test('redirects and refusals end a delivery at once; broken connections and silence do not', async () => {
    let elsewhere = 0
    const conducts = [
      answer(307, { location: `${receiver.url}&elsewhere` }),
      answer(404),
      ((_, response) => response.destroy()) as typeof hang,
      hang,
      answer(204),
    ]
    receiver.conduct = (received, response, index) => {
      if (received.requestId === receiver.received[index - 1]?.requestId) elsewhere += index < 3 ? 1 : 0
      conducts[index]!(received, response, index)
    }
    deliver({ attemptMs: 300 })
    for (const problem of ['answered 307', 'answered 404']) {
      await store(1)
      now += 1000
      await until(async () => (await dead()).some((row) => row.problem === problem), problem)
    }
    expect(elsewhere).toBe(0)
    const ids = await store(1)
    await until(() => {
      now += 100
      return taken().length === 1
    }, 'the third attempt')
    await until(async () => (await state()).includes('delivered'), 'the delivery')
    expect(taken()).toEqual(ids)
    expect(await rowsOf('listDeliveries')).toMatchObject([
      { attempts: 1, last_status: 307 },
      { attempts: 1, last_status: 404 },
      { attempts: 3, last_status: 204, state: 'delivered' },
    ])
  })

  test('after a rotation both secrets sign for a day, then only the new one', async () => {
    deliver()
    const rotated = await tenancy.rotateWebhookSecret(caller, null)
    if (isFailure(rotated) || rotated.secret === null) throw new Error('not rotated')
    const next = async () => {
      const before = receiver.received.length
      await store(1)
      now += 1000
      await until(() => receiver.received.length > before, 'a delivery')
      return receiver.received.at(-1)!
    }
    const during = await next()
    const [byNew, byOld] = [rotated.secret, secret].map((it) => expectedSignature(it, during.body))
    expect(during.signature).toBe(`${byNew},${byOld}`)
    now += dayMs
    const after = await next()
    expect(after.signature).toBe(expectedSignature(rotated.secret, after.body))
    const sealed = JSON.stringify(await database.read.selectFrom('webhooks').selectAll().execute())
    const audited = JSON.stringify(await database.read.selectFrom('audit_log').selectAll().execute())
    for (const value of [secret, rotated.secret]) {
      expect(sealed).not.toContain(value)
      expect(audited).not.toContain(value)
    }
    expect(audited).toContain('WEBHOOK_SIGNING_SECRET_CREATED')
    expect(audited).toContain('WEBHOOK_SIGNING_SECRET_ROTATED')
  })

  test('while paused everything waits; deleted, it becomes dead letters, which another webhook is given', async () => {
    deliver()
    await tenancy.pauseWebhook(caller, true)
    const first = await store(2)
    now += 10_000
    await aWhile()
    expect(receiver.received).toEqual([])
    await tenancy.pauseWebhook(caller, false)
    await until(() => taken().length === 2, 'what waited')

    await tenancy.pauseWebhook(caller, true)
    const second = await store(150)
    await tenancy.deleteWebhook(caller)
    await until(async () => (await dead()).length === 2, 'dead letters')
    expect(await waiting()).toBe(0)
    await store(1)
    expect(await waiting(), 'nobody wants it').toBe(0)
    const operator = { actor: 'admin_key:1' }
    expect(await billing.redeliverAll(operator, workspaceId)).toMatchObject({ failure: 'conflict' })
    await tenancy.putWebhook(caller, { url: receiver.url, secret: 'another' })
    expect(await billing.redeliverAll(operator, workspaceId)).toEqual({ queued: 2, hasMore: false })
    await until(() => taken().length === 152, 'dead letters delivered')
    expect(taken().sort()).toEqual([...first, ...second])
    expect(receiver.received.at(-1)!.signature).toBe(
      expectedSignature('another', receiver.received.at(-1)!.body),
    )
  })

  test('a dead letter goes out again as the same bytes under another name, one at a time, and may die again', async () => {
    receiver.conduct = answer(410)
    deliver()
    const ids: string[] = []
    for (let delivery = 1; delivery <= 3; delivery++) {
      ids.push(...(await store(1)))
      now += 1000
      await until(async () => (await dead()).length === delivery, 'a dead letter')
    }
    const operator = { actor: 'admin_key:1' }
    const before = [...receiver.received]
    const letters = await dead()
    expect(await billing.redeliver(operator, letters[1]!.id)).toMatchObject({ state: 'queued' })
    await until(() => receiver.received.length === 4, 'another try')
    const again = receiver.received[3]!
    expect(again.body.equals(before[1]!.body)).toBe(true)
    expect(again.requestId).not.toBe(before[1]!.requestId)
    await until(async () => (await dead()).length === 3, 'its second death')
    now += 1
    let open = 0
    let mostOpen = 0
    receiver.conduct = (received, response, index) => {
      mostOpen = Math.max(mostOpen, ++open)
      setTimeout(() => {
        open -= 1
        answer(200)(received, response, index)
      }, 30)
    }
    await billing.redeliverAll(operator, workspaceId)
    await until(() => taken().length === 3, 'all of them')
    expect(taken().sort()).toEqual(ids)
    expect(mostOpen).toBe(1)
    await until(async () => (await dead()).length === 0, 'no dead letters')
    expect(await billing.redeliver(operator, letters[0]!.id)).toMatchObject({ failure: 'not_found' })
  })

  test('an address that the gateway may not reach is never called', async () => {
    deliver({}, 'one', [])
    await store(1)
    now += 1000
    await until(async () => (await dead()).length === 1, 'a dead letter')
    expect(receiver.received).toEqual([])
    expect((await dead())[0]!.problem).toBe('the address is not one that this gateway may reach')
  })

  test('a receiver that hangs takes no other workspace its turn', async () => {
    const other = 'other' as WorkspaceId
    const quick = await startReceiver()
    await tenancy.applyWorkspaces([
      {
        id: other,
        name: other,
        onboarded: true,
        slugPrefixes: [],
        domains: [],
        keys: [],
        secrets: [],
        environments: [],
        registrationPublicKey: null,
      },
    ])
    await tenancy.putWebhook({ workspaceId: other, actor: 'test' }, { url: quick.url, secret })
    receiver.conduct = hang
    deliver()
    await store(2000)
    await until(() => receiver.received.length === 4, 'deliveries that hang')
    const values = usageEventColumns.map(
      (column) => usageRow({ id: 'x'.repeat(26), at: now, workspace_id: other })[column],
    )
    await database.transaction(async (it) => {
      await bulkInsert(it, database.kind, 'usage_events', usageEventColumns, [values])
      await noteWaitingEvents(it, database.kind, 'of-other', [values])
    })
    now += 1000
    await until(() => quick.received.length === 1, "the other's delivery")
    expect(receiver.received.length).toBe(4)
    await quick.close()
  })

  test('what is kept of deliveries and dead letters ends with its time', async () => {
    deliver()
    receiver.conduct = (received, response, index) =>
      answer(index === 0 ? 200 : 400)(received, response, index)
    for (const wanted of ['delivered', 'dead']) {
      await store(1)
      now += 1000
      await until(async () => (await state()).includes(wanted), wanted)
    }
    const sweep = openDeliverySweep({
      database,
      clock: () => now,
      deliveriesKeptMs: 7 * dayMs,
      deadLettersKeptMs: 30 * dayMs,
      onError: (error) => troubles.push(error),
      everyMs: 5,
    })
    now += 7 * dayMs - 2000
    await aWhile()
    expect(await state()).toEqual(['delivered', 'dead'])
    now += 3000
    await until(async () => (await state()).join() === 'dead', 'the delivery gone')
    now += 23 * dayMs
    await until(async () => (await state()).length === 0, 'the dead letter gone')
    await sweep.close()
    expect(troubles).toEqual([])
  })

  test('of several instances one delivers; another goes on when it is gone, and every event comes once', async () => {
    if (name === 'SQLite') return
    const nodes = ['one', 'two', 'three'].map((instance) => deliver({ lingerMs: 0 }, instance))
    const ids: string[] = []
    const storing = Array.from({ length: 3 }, async () => {
      for (let chunk = 0; chunk < 10; chunk++) ids.push(...(await store(1 + ((chunk * 37) % 150))))
    })
    await Promise.all(storing)
    await until(() => taken().length >= ids.length, 'all events')
    expect(taken().sort()).toEqual(ids.sort())
    const holder = await database.read.selectFrom('leases').select('holder').executeTakeFirstOrThrow()
    await nodes[['one', 'two', 'three'].indexOf(holder.holder)]!.close()
    const more = await store(10)
    await until(() => taken().length === ids.length + more.length, 'what came later')
    const successor = await database.read.selectFrom('leases').select('holder').executeTakeFirstOrThrow()
    expect(successor.holder).not.toBe(holder.holder)
  })

  test('an instance that fell silent is waited for as long as its lease holds, and no longer', async () => {
    await takeLease(database, 'deliveries', 'silent' as InstanceId, 1500)
    deliver()
    await store(1)
    now += 1000
    await aWhile()
    expect(receiver.received).toEqual([])
    await until(() => taken().length === 1, 'the delivery')
  })

  test('what an instance that died was at, another posts again as it was', async () => {
    receiver.conduct = hang
    const dying = deliver()
    const ids = await store(3)
    now += 1000
    await until(() => receiver.received.length === 1, 'an attempt')
    // Told to close, it gives up the attempt whose outcome it cannot know.
    await dying.close()
    receiver.conduct = answer(200)
    deliver({}, 'two')
    await until(() => taken().length === 3, 'the same once more')
    const [first, second] = receiver.received
    expect(taken()).toEqual(ids)
    expect(second!.requestId).toBe(first!.requestId)
    expect(second!.signature).toBe(first!.signature)
    expect(second!.body.equals(first!.body)).toBe(true)
  })
})
