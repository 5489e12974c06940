import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../setup/folders.ts'
import { type GatewayProcess, startGatewayProcess } from '../setup/gateway.ts'
import { type Ran, tollgate, tollgateProcess } from './run.ts'

/** A data directory that a gateway has used and left. */
let used: string
/** Of that gateway: the start that was refused before it, what others were told while it ran, and what it was itself. */
let atUsedPort: Ran & { readonly port: number }
let besideIt: readonly Ran[]
let gateway: GatewayProcess
let readiness: number

beforeAll(async () => {
  used = temporaryFolder()
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  atUsedPort = { ...(await tollgateProcess(serving(used, '--port', String(port)))), port }
  other.close()
  gateway = await startGatewayProcess({ dataDirectory: used })
  const target = `sqlite:${join(temporaryFolder(), 'copy.db')}`
  besideIt = [
    await tollgateProcess(serving(used)),
    await tollgateProcess(['migrate', '--data', used, '--to', target]),
  ]
  readiness = (await fetch(`${gateway.url}/readyz`)).status
  await gateway.stop()
})

function copyOfUsed(): string {
  const folder = temporaryFolder()
  cpSync(used, folder, { recursive: true })
  return folder
}

function serve(data: string, ...more: string[]): Promise<Ran> {
  return tollgate(serving(data, ...more))
}

function serving(data: string, ...more: string[]): string[] {
  return ['serve', '--port', '0', '--data', data, '--log-level', 'warn', ...more]
}

/** Exactly one line on standard error that is no log line, and no trace of a stack. */
function expectRefusal({ code, output, errors }: Ran, reason: RegExp, expectedCode = 78): void {
  const lines = errors.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  expect({ code, output, lines }).toEqual({
    code: expectedCode,
    output: '',
    lines: [expect.stringMatching(reason)],
  })
  expect(errors).not.toContain('    at ')
}

test('a port in use: 78, and the admin key is made by the start that succeeds', () => {
  const { port } = atUsedPort
  expectRefusal(
    atUsedPort,
    new RegExp(
      `^server\\.host, server\\.port: cannot listen on 127\\.0\\.0\\.1, port ${port}: another process`,
    ),
  )
  expect(gateway.adminKey).toMatch(/^tga_/)
  expect(gateway.output()).toContain('Authorization: Api-Key sky_')
})

test.each([
  ['below a file', (folder: string) => join(folder, 'file', 'data')],
  ['that is a file', (folder: string) => join(folder, 'file')],
])('a data directory %s: 78, and nothing is left behind', async (_, within) => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  const data = within(folder)
  expectRefusal(await serve(data), /^--data: .* cannot be written: a file is in the way$/)
  expect(readdirSync(folder)).toEqual(['file'])
})

test('a data directory that cannot hold the lock: 78', async () => {
  const data = temporaryFolder()
  mkdirSync(join(data, 'lock'))
  expectRefusal(await serve(data), /^--data: .* cannot be written: unable to open database file$/)
  expect(readdirSync(data)).toEqual(['lock'])
})

test('a data directory in use: 78 for a second gateway and for a copy, and the first goes on', () => {
  const [second, copy] = besideIt
  expectRefusal(second!, /^Another process is using .*: stop it, or choose another directory with --data\.$/)
  expectRefusal(copy!, /^Another process is using /)
  expect(readiness).toBe(200)
})

test('a wrong master key: 78 for a start and for a new admin key', async () => {
  const data = copyOfUsed()
  const reason = /^security\.master_key: is not the one that this database was begun with\. /
  expectRefusal(await serve(data, '--master-key', 'another-one'), reason)
  expectRefusal(await tollgate(['admin-key', 'new', '--data', data, '--master-key', 'another-one']), reason)
})

test('a lost master key: 78, and none is made in its place', async () => {
  const data = copyOfUsed()
  const file = join(data, 'master-key')
  rmSync(file)
  expectRefusal(await serve(data), /^security\.master_key: .* put it back into .*master-key\.$/)
  expect(existsSync(file)).toBe(false)
})

test('a database of a newer release: 78 for a start and for a migration', async () => {
  const data = copyOfUsed()
  const database = new DatabaseSync(join(data, 'tollgate.db'))
  database.exec(`insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01')`)
  database.close()
  const reason = /^database\.url: a newer release has used this database \(9999-later\)\. Run that release/
  expectRefusal(await serve(data), reason)
  expectRefusal(await tollgate(['migrate', '--data', data]), reason)
})

test('a file that is no database: 78', async () => {
  const data = temporaryFolder()
  writeFileSync(join(data, 'tollgate.db'), 'These are not the bytes that you are looking for.'.repeat(100))
  expectRefusal(await serve(data), /^database\.url: file is not a database$/)
})

test('a Postgres that does not answer may answer later: 1, and no password', async () => {
  const url = 'postgres://somebody:hunter2@127.0.0.1:1/nowhere'
  const environment = { TOLLGATE_DATABASE_URL: url, TOLLGATE_MASTER_KEY: 'of-the-test' }
  for (const args of [['serve', '--port', '0'], ['migrate']]) {
    const ran = await tollgate([...args, '--data', temporaryFolder()], environment)
    expectRefusal(ran, /^database\.url: .*ECONNREFUSED/, 1)
    expect(ran.errors).not.toContain('hunter2')
  }
})

test.each([
  ['admin-key', 'new'],
  ['migrate', '--to', 'sqlite:/nowhere/x.db'],
])('%s %s where no gateway was: 78, and no database is made', async (...command) => {
  const data = join(temporaryFolder(), 'wrong')
  expectRefusal(await tollgate([...command, '--data', data]), /^database\.url: there is no database at /)
  expect(existsSync(data)).toBe(false)
})

test('an address to copy to that is none: 78', async () => {
  const ran = await tollgate(['migrate', '--data', used, '--to', 'mysql://u:hunter2@h/d'])
  expectRefusal(ran, /^--to: must be sqlite:<path> or postgres:/)
  expect(ran.errors).not.toContain('hunter2')
})
