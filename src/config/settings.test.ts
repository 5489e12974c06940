import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Flags, loadSettings } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-settings-'))

function load(file: string, flags: Flags = {}, environment: Record<string, string> = {}) {
  const path = join(folder, 'tollgate.yaml')
  writeFileSync(path, file)
  return loadSettings({ config: path, ...flags }, environment)
}

function faultsOf(loaded: ReturnType<typeof load>): string[] {
  return 'faults' in loaded ? loaded.faults.map(({ path, message }) => `${path}: ${message}`) : []
}

test('with nothing said, the defaults hold and the demo world is wanted', () => {
  const loaded = loadSettings({}, {})
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const { settings } = loaded
  expect(settings.host).toBe('127.0.0.1')
  expect(settings.port).toBe(8080)
  expect(settings.databaseUrl).toMatch(/^sqlite:\/.*\/data\/tollgate\.db$/)
  expect(settings.isUnconfigured).toBe(true)
  expect(settings.ledger.eventRetentionMs).toBe(92 * 86_400_000)
  expect(settings.frontier.timeouts).toEqual({
    connectMs: 10_000,
    firstByteMs: 1_200_000,
    idleMs: 120_000,
    totalMs: 1_200_000,
  })
})

test('flags win over the environment, and the environment over the file', () => {
  const file = 'server: { port: 1111, host: 127.0.0.2 }'
  const loaded = load(file, { port: '3333' }, { TOLLGATE_PORT: '2222', TOLLGATE_HOST: '127.0.0.3' })
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  expect(loaded.settings.port).toBe(3333)
  expect(loaded.settings.host).toBe('127.0.0.3')
})

test('an unknown member of our sections is a fault with its path', () => {
  expect(faultsOf(load('server: { prot: 1 }'))).toEqual(['server.prot: is not a setting'])
})

test('every fault is named, with what was found', () => {
  const faults = faultsOf(
    load('server: { port: 99999, drain_seconds: "soon" }\nledger: { durability: maybe }'),
  )
  expect(faults).toHaveLength(3)
  expect(faults[0]).toMatch(/^server\.port: .*found 99999$/)
  expect(faults[1]).toMatch(/^server\.drain_seconds: .*found "soon"$/)
  expect(faults[2]).toMatch(/^ledger\.durability: .*found "maybe"$/)
})

test('what is not built yet says so', () => {
  const faults = faultsOf(load('server: { threads: 2 }\ncounters: { url: "redis://127.0.0.1" }'))
  expect(faults).toEqual([
    'server.threads: more than one request thread is not built yet: use 1',
    'counters.url: shared counters (redis:) are not built yet: use memory:',
  ])
})

test('sections of other gateways pass with a warning, unknown ones too', () => {
  const loaded = load('client: { drop_excess_requests: false }\nsurprise: 1')
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  expect(loaded.settings.warnings).toEqual([
    { path: 'client', message: 'this version does not act on this section' },
    { path: 'surprise', message: 'is not a section we know' },
  ])
})

test('an unset variable disables a provider key with a warning, and is a fault elsewhere', () => {
  const loaded = load(`
frontier:
  workspaces:
    - id: aurora
      secrets: [ { id: openai, value: env.NOT_SET } ]
      api_keys: [ { name: ci, value: env.ALSO_NOT_SET, type: PERSONAL } ]
`)
  expect(faultsOf(loaded)).toEqual([
    'frontier.workspaces.0.api_keys.0.value: ALSO_NOT_SET is not set in the environment',
  ])
})

test('Postgres needs a configured master key', () => {
  const faults = faultsOf(load('database: { url: "postgres://u:p@127.0.0.1/t" }'))
  expect(faults).toHaveLength(1)
  expect(faults[0]).toMatch(/^security\.master_key: is required with Postgres/)
})

test('the test clock needs NODE_ENV=test', () => {
  expect(faultsOf(loadSettings({}, { TOLLGATE_TEST_CLOCK: '/tmp/clock' }))[0]).toMatch(/^TOLLGATE_TEST_CLOCK/)
  const loaded = loadSettings({}, { TOLLGATE_TEST_CLOCK: '/tmp/clock', NODE_ENV: 'test' })
  expect('settings' in loaded && loaded.settings.testClockFile).toBe('/tmp/clock')
})

test('a file that is neither YAML nor JSON is one fault', () => {
  expect(faultsOf(load('server: [ {'))).toHaveLength(1)
})
