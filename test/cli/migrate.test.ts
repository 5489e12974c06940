import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { databases } from '../setup/databases.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { chat, chatStatus, configurationFor, openFrontier } from '../setup/frontier.ts'
import { startGateway } from '../setup/gateway.ts'
import { commandLine, paste, tollgate } from './run.ts'

const slug = 'aurora/lumen'
const dataDirectory = temporaryFolder()
const at = Date.parse('2026-03-04T10:00:00Z')
let upstream: FakeUpstream
let key: string
let config: object

/** A world with a group of five requests a day, two of which are used. */
beforeAll(async () => {
  upstream = await startFakeUpstream()
  config = configurationFor(upstream.url)
  const gateway = await startGateway({ config, dataDirectory, clock: at })
  const frontier = openFrontier(gateway)
  await frontier.createEndpoint(slug)
  key = await frontier.mintKey(
    await frontier.createGroup({ externalId: 'copied', models: { [slug]: ['REQUEST/DAY 5'] } }),
  )
  expect([
    await chatStatus(gateway, key, { model: slug }),
    await chatStatus(gateway, key, { model: slug }),
  ]).toEqual([200, 200])
  await gateway.stop()
})
afterAll(() => upstream.close())

function countsOf(report: string): Map<string, [number, number]> {
  const lines = report.trim().split('\n').slice(1)
  return new Map(
    lines.map((line) => {
      const [table = '', here, there] = line.split(/\s+/)
      return [table, [Number(here), Number(there)]]
    }),
  )
}

const others = databases().filter(({ name }) => name === 'Postgres')

describe.each(others)('into $name', ({ create }) => {
  test('migrate --to copies everything, counts both sides, and a gateway on the copy goes on from there', async () => {
    const place = await create()
    const masterKey = readFileSync(join(dataDirectory, 'master-key'), 'utf8').trim()
    const copied = await tollgate(['migrate', '--data', dataDirectory, '--to', 'env.TARGET'], {
      TARGET: place.url,
    })
    expect({ code: copied.code, errors: copied.errors }).toEqual({ code: 0, errors: '' })
    const counts = countsOf(copied.output)
    for (const [table, [here, there]] of counts) expect([table, there]).toEqual([table, here])
    expect(counts.get('nodes')).toEqual([1, 1])
    expect(counts.get('keys')).toEqual([1, 1])
    expect(counts.get('usage_events')).toEqual([2, 2])

    const again = await tollgate(['migrate', '--data', dataDirectory, '--to', place.url])
    expect(again.code).toBe(1)
    expect(again.errors).toMatch(/^--to: the database is not empty: \w+ has rows\. Nothing was copied\.\n$/)

    const moved = temporaryFolder()
    cpSync(dataDirectory, moved, { recursive: true })
    const gateway = await startGateway({
      config,
      dataDirectory: moved,
      clock: at + 60_000,
      environment: { TOLLGATE_DATABASE_URL: place.url, TOLLGATE_MASTER_KEY: masterKey },
    })
    const listed = await openFrontier(gateway).request('GET', '/groups?external_entity_id=copied')
    expect(listed.body.items).toHaveLength(1)
    const statuses: number[] = []
    for (let call = 0; call < 4; call++) statuses.push(await chatStatus(gateway, key, { model: slug }))
    expect(statuses).toEqual([200, 200, 200, 429])
    await gateway.stop()
    await place.remove()
  })
})

test('migrate makes a database, and has nothing to do the second time', async () => {
  const url = `sqlite:${join(temporaryFolder(), 'new', 'tollgate.db')}`
  const made = await tollgate(['migrate', '--database-url', url])
  expect({ code: made.code, output: made.output }).toEqual({
    code: 0,
    output: 'Brought up to date: 0001-foundation, 0002-governance.\n',
  })
  const again = await tollgate(['migrate', '--database-url', url])
  expect({ code: again.code, output: again.output }).toEqual({
    code: 0,
    output: 'The database is up to date.\n',
  })
})

test('a copy shows its progress on a terminal', async () => {
  const target = `sqlite:${join(temporaryFolder(), 'copy.db')}`
  const command = commandLine(['migrate', '--data', dataDirectory, '--to', target])
  const { code, output } = await paste(`script -qefc "${command}" /dev/null`)
  expect(code).toBe(0)
  expect(output).toMatch(/█{30} usage_events 2\/2/)
})

test('a copy is a whole gateway: data directory and all, it serves its callers', async () => {
  const backup = temporaryFolder()
  cpSync(dataDirectory, backup, { recursive: true })
  const gateway = await startGateway({ config, dataDirectory: backup, clock: at })
  const answered = await chat(gateway, key, { model: slug })
  expect(answered.status).toBe(200)
  await answered.text()
  await gateway.stop()
})
