import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSegmentName } from '../../src/ledger/segment.ts'
import { commandLine, paste, type Ran, tollgate } from '../cli/run.ts'
import { databases, placeAt, type TestPlace } from '../setup/databases.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { isLong } from '../setup/form.ts'
import { chatStatus, configurationFor, openFrontier } from '../setup/frontier.ts'
import { masterKeyOfTests, startGateway } from '../setup/gateway.ts'
import { type CallRecord, type Load, startLoad } from './load.ts'
import { chargedTo, expectEachAnswerOnce, readLedger, tokensOf } from './truth.ts'
import { noon, openProcessWorld, type ProcessWorld, slug, type Tenant, until } from './world.ts'

const [sqlite] = databases()
const ample = 1_000_000_000
const clients = isLong ? 40 : 10
const enough = isLong ? 300 : 30
const environment = { TOLLGATE_MASTER_KEY: masterKeyOfTests }

/** A directory that is not there yet. */
function newDirectory(name: string): string {
  return join(temporaryFolder(), name)
}

function backUp(world: ProcessWorld, place: TestPlace, to: string): Promise<Ran> {
  const { dataDirectory } = world.gateway
  return tollgate(['backup', '--data', dataDirectory, '--database-url', place.url, to], environment)
}

function restore(from: string, dataDirectory: string, more: readonly string[] = []): Promise<Ran> {
  return tollgate(['restore', '--data', dataDirectory, ...more, from], environment)
}

function databaseIn(dataDirectory: string): string {
  return `sqlite:${join(dataDirectory, 'tollgate.db')}`
}

/** What a restored data directory says was used, before anything starts on it. */
async function restoredLedger(dataDirectory: string) {
  const database = new DatabaseSync(join(dataDirectory, 'tollgate.db'), { readOnly: true })
  const instances = database.prepare('select * from instances').all()
  const holders = database.prepare('select distinct instance_id from open_holds').all()
  database.close()
  const ledger = await readLedger(placeAt(databaseIn(dataDirectory)))
  return { ledger, instances, holders: holders.map(({ instance_id }) => instance_id) }
}

function idIn(dataDirectory: string): string {
  return readFileSync(join(dataDirectory, 'instance-id'), 'utf8').trim()
}

/** A gateway on restored files, in front of the same upstream. */
function startRestored(world: ProcessWorld, dataDirectory: string) {
  return startGateway({
    config: configurationFor(world.upstream.url),
    dataDirectory,
    databaseUrl: databaseIn(dataDirectory),
    clock: noon,
  })
}

function loadOn(world: ProcessWorld, tenant: Tenant): Load {
  const { url } = world.gateway
  const fake = { headDelayMs: isLong ? 0 : 100, chunkDelayMs: 2 }
  const wishOf = (client: number) => ({ model: slug, stream: client % 2 === 1, fake })
  return startLoad({ url, key: tenant.key, wishOf, concurrency: clients })
}

describe('while gateways come and go', () => {
  let place: TestPlace
  let world: ProcessWorld
  beforeAll(async () => {
    place = await sqlite!.create()
    world = await openProcessWorld({ place, clock: noon })
  })
  afterAll(async () => {
    await world.close()
    await place.remove()
  })

  test('made under load, a backup has every answer from before it, and what is restored goes on from there', async () => {
    const tenant = await world.tenantUnder(`TOKEN/DAY ${ample}`, `REQUEST/DAY ${ample}`)
    const strict = await world.tenantUnder(`TOKEN/DAY ${ample} strict`)
    const stalled = world.call(strict, { max_tokens: 20, fake: { stallBefore: 'head' } })
    await until(() => world.upstream.served().requests === 1, 'the strict call upstream')
    const load = loadOn(world, tenant)
    await until(() => load.records.length > enough, 'calls that end')

    const before = load.records.filter(({ isComplete }) => isComplete)
    const target = newDirectory('backup')
    const ran = await backUp(world, place, target)
    expect({ code: ran.code, errors: ran.errors }).toEqual({ code: 0, errors: '' })
    expect(ran.output).toContain('The master key is not in it.')
    expect(readdirSync(target).sort()).toEqual(['manifest.json', 'tollgate.db'])
    const answered = load.records.length
    await until(() => load.records.length > answered + clients, 'calls after the backup')
    await load.stop()

    const dataDirectory = newDirectory('restored')
    const restored = await restore(target, dataDirectory)
    expect({ code: restored.code, errors: restored.errors }).toEqual({ code: 0, errors: '' })
    const { ledger, instances, holders } = await restoredLedger(dataDirectory)
    const missing = missingFrom(ledger.events, before)
    expect(missing).toEqual([])
    expectEachAnswerOnce(
      ledger,
      load.records.filter(({ requestId }) => !missingFrom(ledger.events, [{ requestId }]).length),
      world.upstream,
    )
    const events = ledger.events.filter(({ node_id }) => node_id === tenant.groupId)
    expect(chargedTo(ledger, tenant.groupId, 'token')).toBe(tokensOf(events))
    expect(chargedTo(ledger, tenant.groupId, 'request')).toBe(events.length)

    expect(instances, 'nobody is alive in a backup').toEqual([])
    expect(idIn(dataDirectory)).not.toBe(idIn(world.gateway.dataDirectory))
    expect(holders, 'what was under way is the new instance’s').toEqual([idIn(dataDirectory)])
    const gateway = await startRestored(world, dataDirectory)
    try {
      const rest = await admittedOf(gateway, tenant, events.length + 10)
      expect(rest).toBe(10)
      const held = world.upstream.requests[0]!.body.length + 20
      const after = (await restoredLedger(dataDirectory)).ledger
      expect(chargedTo(after, strict.groupId, 'token')).toBe(held)
      expect(after.openHolds).toEqual([])
    } finally {
      await gateway.stop()
      stalled.leave()
    }
  })

  test('of a gateway that was killed, what its spool holds is stored first', async () => {
    const tenant = await world.tenantUnder(`REQUEST/DAY ${ample}`)
    const load = loadOn(world, tenant)
    await until(() => load.records.length > clients, 'calls that end')
    const spool = join(world.gateway.dataDirectory, 'spool')
    await until(() => segmentsIn(spool) > 0, 'a segment')
    await world.gateway.stop('SIGKILL')
    await load.stop()
    expect(segmentsIn(spool)).toBeGreaterThan(0)

    const target = newDirectory('backup')
    expect(await backUp(world, place, target)).toMatchObject({ code: 0, errors: '' })
    expect(segmentsIn(spool)).toBe(0)
    const dataDirectory = newDirectory('restored')
    expect(await restore(target, dataDirectory)).toMatchObject({ code: 0, errors: '' })
    const { ledger } = await restoredLedger(dataDirectory)
    expect(
      missingFrom(
        ledger.events,
        load.records.filter(({ isComplete }) => isComplete),
      ),
    ).toEqual([])

    // The original goes on too: nothing of it was taken away or counted twice.
    await world.restart()
    const original = await world.ledger()
    expect(original.events.length).toBe(ledger.events.length)
    expect(await world.status(tenant)).toBe(200)
  })
})

function missingFrom(
  events: readonly { readonly request_id: string }[],
  records: readonly Pick<CallRecord, 'requestId'>[],
) {
  const stored = new Set(events.map(({ request_id }) => request_id))
  return records.filter(({ requestId }) => !stored.has(requestId ?? ''))
}

/** How many calls a day's limit still lets through, as the counters of a gateway that has just started see it. */
async function admittedOf(gateway: { url: string }, tenant: Tenant, limit: number): Promise<number> {
  const frontier = openFrontier(gateway)
  const { status } = await frontier.request('PATCH', `/groups/${tenant.groupId}`, {
    models: [{ slug, usage_limits: [{ type: 'REQUEST', unit: 'DAY', threshold: limit }], rate_limits: [] }],
  })
  expect(status).toBe(200)
  const statuses = await Promise.all(
    Array.from({ length: 20 }, () => chatStatus(gateway, tenant.key, { model: slug })),
  )
  return statuses.filter((code) => code === 200).length
}

function segmentsIn(spool: string): number {
  return existsSync(spool) ? readdirSync(spool).filter((name) => parseSegmentName(name) !== null).length : 0
}

describe('what cannot be done', () => {
  let data: string
  let whole: string
  beforeAll(async () => {
    data = temporaryFolder()
    const gateway = await startGateway({ dataDirectory: data })
    await gateway.stop()
    whole = newDirectory('backup')
    expect(await tollgate(['backup', '--data', data, whole])).toMatchObject({ code: 0, errors: '' })
  })

  function copyOf(folder: string): string {
    const copy = temporaryFolder()
    cpSync(folder, copy, { recursive: true })
    return copy
  }

  test('a backup shows its progress on a terminal, and its bytes in its report', async () => {
    const target = newDirectory('backup')
    const command = commandLine(['backup', '--data', data, target])
    const { code, output } = await paste(`script -qefc "${command}" /dev/null`)
    expect(code).toBe(0)
    expect(output).toMatch(/█{30} copy (\d+)\/\1/)
    expect(output).toMatch(/█{30} checksum (\d+)\/\1/)
    expect(output).toContain(`Backed up: ${target}, ${bytesOf(target).length} bytes, checked.`)
  })

  test('a backup does not overwrite anything', async () => {
    const used = temporaryFolder()
    writeFileSync(join(used, 'mine'), 'mine')
    const ran = await tollgate(['backup', '--data', data, used])
    expect(ran.code).toBe(1)
    expect(ran.errors).toBe(`${used}: is not empty. Nothing was written: name another directory.\n`)
    expect(readdirSync(used)).toEqual(['mine'])
    expect((await tollgate(['backup', '--data', data, whole])).code).toBe(1)
  })

  test('a backup where no gateway was leaves nothing behind', async () => {
    const target = newDirectory('backup')
    const ran = await tollgate(['backup', '--data', newDirectory('nowhere'), target])
    expect(ran.code).toBe(78)
    expect(ran.errors).toMatch(/^database\.url: there is no database at /)
    expect(existsSync(target)).toBe(false)
  })

  test('Postgres has its own tools, and the message names them', async () => {
    const url = ['--database-url', 'postgres://u:hunter2@127.0.0.1:1/d', '--master-key', 'of-the-test']
    const target = newDirectory('backup')
    const backup = await tollgate(['backup', '--data', data, ...url, target])
    expect(backup.code).toBe(78)
    expect(backup.errors).toMatch(/^database\.url: this is Postgres\. Back it up with pg_dump/)
    expect(backup.errors).not.toContain('hunter2')
    expect(existsSync(target)).toBe(false)
    const restored = await restore(whole, newDirectory('restored'), url)
    expect(restored.code).toBe(78)
    expect(restored.errors).toMatch(/^database\.url: this is Postgres\. Restore it with pg_restore/)
  })

  test('a restore mixes with nothing that is there, but takes a master key', async () => {
    const taken = await tollgate(['restore', '--data', data, whole])
    expect(taken.code).toBe(1)
    expect(taken.errors).toMatch(/^--data: .* is there\. Restore into a directory that is new or empty/)

    const key = newDirectory('with-key')
    mkdirSync(key)
    writeFileSync(join(key, 'master-key'), readFileSync(join(data, 'master-key')))
    const ran = await tollgate(['restore', '--data', key, whole])
    expect(ran).toMatchObject({ code: 0, errors: '' })
    expect(ran.output).not.toContain('master key')
    const gateway = await startGateway({ dataDirectory: key })
    expect(gateway.output()).not.toContain('Admin key:')
    await gateway.stop()
  })

  test('without the master key the restored gateway does not start, and says which file it misses', async () => {
    const dataDirectory = newDirectory('restored')
    const ran = await tollgate(['restore', '--data', dataDirectory, whole])
    expect(ran.output).toContain(
      `put the master key of the original into ${join(dataDirectory, 'master-key')}`,
    )
    const start = await tollgate(['serve', '--port', '0', '--data', dataDirectory])
    expect(start.code).toBe(78)
    expect(start.errors).toMatch(/^security\.master_key: /)
  })

  const bytesOf = (folder: string) => readFileSync(join(folder, 'tollgate.db'))

  test.each<[string, (folder: string) => void, RegExp]>([
    [
      'with a flipped byte',
      (folder) => {
        const bytes = bytesOf(folder)
        bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000)
        writeFileSync(join(folder, 'tollgate.db'), bytes)
      },
      /is not what the manifest says: its checksum is another\. Nothing was restored\.$/m,
    ],
    [
      'cut short',
      (folder) => writeFileSync(join(folder, 'tollgate.db'), bytesOf(folder).subarray(0, -100)),
      /is not what the manifest says: its size is another\. Nothing was restored\.$/m,
    ],
    [
      'with an unknown manifest',
      (folder) => writeFileSync(join(folder, 'manifest.json'), '{"format":2}'),
      /manifest\.json: is not a manifest that this release knows\.$/m,
    ],
  ])('a backup %s is not restored', async (_, spoil, message) => {
    const spoilt = copyOf(whole)
    spoil(spoilt)
    const dataDirectory = newDirectory('restored')
    const ran = await tollgate(['restore', '--data', dataDirectory, spoilt])
    expect(ran.code).toBe(1)
    expect(ran.errors).toMatch(message)
    expect(existsSync(join(dataDirectory, 'tollgate.db'))).toBe(false)
  })

  test('what was not finished, or is none, is not restored', async () => {
    const ran = await tollgate(['restore', '--data', newDirectory('restored'), temporaryFolder()])
    expect(ran.code).toBe(1)
    expect(ran.errors).toMatch(
      /manifest\.json: there is none\. This is no backup, or one that was not finished\.$/m,
    )
  })

  test('a backup of a newer release is neither restored nor started', async () => {
    const newer = copyOf(data)
    const database = new DatabaseSync(join(newer, 'tollgate.db'))
    database.exec(`insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01')`)
    database.close()
    const target = newDirectory('backup')
    expect(await tollgate(['backup', '--data', newer, target])).toMatchObject({ code: 0, errors: '' })
    const dataDirectory = newDirectory('restored')
    const ran = await tollgate(['restore', '--data', dataDirectory, target])
    expect(ran.code).toBe(78)
    expect(ran.errors).toMatch(/a newer release has used this database \(9999-later\)\. Run that release/)
    expect(readdirSync(dataDirectory).filter((name) => name.startsWith('tollgate.db'))).toEqual([])
    const start = await tollgate(['serve', '--port', '0', '--data', newer])
    expect(start.code).toBe(78)
    expect(start.errors).toMatch(/a newer release has used this database \(9999-later\)/)
  })
})
