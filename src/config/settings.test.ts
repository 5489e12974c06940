import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { wordFault } from './faults.ts'
import type { Flags } from './flags.ts'
import { type Loaded, loadSettings, type Settings } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))

function load(file: string, flags: Flags = {}, environment: Record<string, string> = {}): Loaded {
  const path = join(folder, 'tollgate.yaml')
  writeFileSync(path, file)
  return loadSettings({ config: path, ...flags }, environment)
}

function faultsOf(loaded: Loaded): string[] {
  return 'faults' in loaded ? loaded.faults.map(wordFault) : []
}

function settingsOf(loaded: Loaded): Settings {
  if ('faults' in loaded) throw new Error(faultsOf(loaded).join('\n'))
  return loaded.settings
}

test('with nothing said, the defaults hold and the demo world is wanted', () => {
  const settings = settingsOf(loadSettings({}, {}))
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
  expect(settings.warnings).toEqual([])
})

test('flags win over the environment, and the environment over the file', () => {
  const file = 'server: { port: 1111, host: 127.0.0.2 }'
  const settings = settingsOf(
    load(file, { port: '3333' }, { TOLLGATE_PORT: '2222', TOLLGATE_HOST: '127.0.0.3' }),
  )
  expect(settings.port).toBe(3333)
  expect(settings.host).toBe('127.0.0.3')
})

test('a fault of a flag names the flag or the variable that it came from', () => {
  expect(faultsOf(load('', { port: 'x' }))).toEqual([
    '--port: must be a whole number from 0 to 65535; found "x"',
  ])
  expect(faultsOf(load('', {}, { TOLLGATE_LOG_LEVEL: 'loud' }))[0]).toMatch(/^TOLLGATE_LOG_LEVEL: .*"loud"$/)
})

test('an unknown member of our sections is a fault that names the known ones', () => {
  const [fault, ...others] = faultsOf(load('server: { prot: 1 }'))
  expect(fault).toMatch(/^server\.prot: is not a setting; known here are host, port, /)
  expect(others).toEqual([])
})

test('every fault is named at once, with what is allowed and what was found', () => {
  const file = `
server: { port: 99999, drain_seconds: soon, trusted_proxies: [here] }
ledger: { durability: maybe, retention: { events: 3 weeks } }
network: { origins: { "http://a": "ftp://b" } }
frontier: { timeouts: { connect: 25h }, workspaces: [ { id: Aurora } ] }`
  expect(faultsOf(load(file))).toEqual([
    'server.port: must be a whole number from 0 to 65535; found 99999',
    'server.drain_seconds: must be a number above 0 and up to 86400; found "soon"',
    'server.trusted_proxies.0: must be a network such as 10.0.0.0/8 or fd00::/8; found "here"',
    'ledger.durability: must be process or strict; found "maybe"',
    'ledger.retention.events: must be a duration from 1h to 36500d, such as 90s or 1h30m (ms, s, m, h, d); found "3 weeks"',
    'network.origins.http://a: must be an http or https URL without credentials; found "ftp://b"',
    'frontier.timeouts.connect: must be a duration from 1ms to 24h, such as 90s or 1h30m (ms, s, m, h, d); found "25h"',
    'frontier.workspaces.0.id: must be 1 to 63 lower-case letters, digits, - and _; found "Aurora"',
  ])
})

test('what is not built yet says so', () => {
  expect(faultsOf(load('server: { threads: 2 }\ncounters: { url: "redis://:password@127.0.0.1" }'))).toEqual([
    'server.threads: must be 1: more than one request thread is not built yet; found 2',
    'counters.url: must be memory: (shared counters are not built yet); found redis:',
  ])
})

test('names and values that must be unique are, and values stay hidden', () => {
  const file = `
security: { admin_keys: [ { name: ops, value: sixteen-characters } ] }
frontier:
  workspaces:
    - { id: a, slug_prefixes: [x], domains: [A.example], api_keys: [ { name: k, value: sixteen-characters, type: PERSONAL } ] }
    - { id: a, slug_prefixes: [x], domains: [a.example], api_keys: [ { name: k, value: other, type: PERSONAL } ] }`
  expect(faultsOf(load(file))).toEqual([
    'frontier.workspaces.0.api_keys.0.value: must differ from security.admin_keys.0.value',
    'frontier.workspaces.1.id: must differ from frontier.workspaces.0.id; found "a"',
    'frontier.workspaces.1.slug_prefixes.0: must differ from frontier.workspaces.0.slug_prefixes.0; found "x"',
    'frontier.workspaces.1.domains.0: must differ from frontier.workspaces.0.domains.0; found "a.example"',
  ])
})

const secret = 'hunter2-hunter2'

test.each([
  ['of the wrong type', `security: { master_key: [${secret}] }`],
  ['where a mapping belongs', `security: { admin_keys: [ "${secret}" ] }`],
  ['too short', `security: { admin_keys: [ { name: a, value: "${secret}" } ] }`],
  ['in a URL of the wrong scheme', `database: { url: "mysql://u:${secret}@h/d" }`],
  ['in a URL where a mapping belongs', `database: "postgres://u:${secret}@h/d"`],
  [
    'in an address',
    `frontier: { workspaces: [ { id: a, models: [ { id: m, environments: { p: { base_url: "http://u:${secret}@h/v1" } } } ] } ] }`,
  ],
  ['in a broken line', `security: { master_key: "${secret} }`],
  ['from the environment', `server: { host: h, port: env.SECRET }`],
])('a fault never repeats a secret: %s', (_, file) => {
  const faults = faultsOf(load(file, {}, { SECRET: secret }))
  expect(faults.length).toBeGreaterThan(0)
  expect(faults.join('\n')).not.toContain(secret)
})

test('env.NAME stands for texts, numbers and truth values, in the file and in flags', () => {
  const file = `
server: { port: env.PORT, drain_seconds: env.SECONDS }
frontier: { strict_key_scheme: env.STRICT }
network: { allow_private: [ env.NETWORK ] }`
  const environment = {
    PORT: '8123',
    SECONDS: '1.5',
    STRICT: 'true',
    NETWORK: '10.0.0.0/8',
    URL: 'sqlite:/x.db',
  }
  const settings = settingsOf(load(file, { databaseUrl: 'env.URL' }, environment))
  expect(settings.port).toBe(8123)
  expect(settings.server.drain_seconds).toBe(1.5)
  expect(settings.frontier.strictKeyScheme).toBe(true)
  expect(settings.network.allow_private).toEqual(['10.0.0.0/8'])
  expect(settings.databaseUrl).toBe('sqlite:/x.db')

  expect(faultsOf(load('server: { port: env.PORT }', { masterKey: 'env.MISSING' }, { PORT: 'x' }))).toEqual([
    'server.port: must be a whole number from 0 to 65535; found what PORT holds',
  ])
  expect(faultsOf(load('', { masterKey: 'env.MISSING' }))).toEqual([
    '--master-key: MISSING is not set in the environment',
  ])
})

test('an unset variable disables a provider key with a warning, and is a fault elsewhere', () => {
  const workspace = (more: string) => `
frontier:
  workspaces:
    - id: aurora
      secrets: [ { id: openai, value: env.NOT_SET }, { id: xai, value: given } ]
      models:
        - { id: m, environments: { production: { base_url: "http://a/v1", api_key: env.NOT_SET }, canary: { base_url: "http://a/v1", api_key: given } } }
      ${more}`
  const settings = settingsOf(load(workspace('')))
  expect(settings.warnings.map(({ path }) => path)).toEqual([
    'frontier.workspaces.0.secrets.0.value',
    'frontier.workspaces.0.models.0.environments.production.api_key',
  ])
  const [aurora] = settings.frontier.workspaces
  expect(aurora?.secrets).toEqual([{ id: 'xai', value: 'given' }])
  expect(aurora?.models[0]?.environments).toEqual({
    production: { base_url: 'http://a/v1' },
    canary: { base_url: 'http://a/v1', api_key: 'given' },
  })
  expect(faultsOf(load(workspace('domains: [ env.ALSO_NOT_SET ]')))).toEqual([
    'frontier.workspaces.0.domains.0: ALSO_NOT_SET is not set in the environment',
  ])
})

test('sections of other gateways pass with a warning, and so do unknown ones', () => {
  const { warnings } = settingsOf(load('plugins: [ { name: env.UNSET } ]\nsurprise: 1'))
  expect(warnings.map(({ path }) => path)).toEqual(['plugins', 'surprise'])
})

test('what needs no credential may be offered on loopback, or where the operator insists', () => {
  const mayStandOpen = (flags: Flags) => settingsOf(load('', flags)).mayStandOpen
  expect(mayStandOpen({})).toBe(true)
  expect(mayStandOpen({ host: '127.8.0.1' })).toBe(true)
  expect(mayStandOpen({ host: '::1' })).toBe(true)
  expect(mayStandOpen({ host: '0.0.0.0' })).toBe(false)
  expect(mayStandOpen({ host: '127.example.com' })).toBe(false)
  expect(mayStandOpen({ host: '0.0.0.0', insecure: true })).toBe(true)
})

test('what comes over the API may name any variable but our own', () => {
  const path = join(folder, 'variables.yaml')
  writeFileSync(path, '')
  const { variable } = settingsOf(
    loadSettings({ config: path }, { OPENAI_API_KEY: 'sk', TOLLGATE_MASTER_KEY: 'm'.repeat(44) }),
  )
  expect(variable('OPENAI_API_KEY')).toBe('sk')
  expect(variable('TOLLGATE_MASTER_KEY')).toBeUndefined()
})

test('events are posted by https, or to this machine', () => {
  const withWebhook = (url: string) =>
    load(`frontier: { workspaces: [ { id: aurora, webhook: { url: "${url}", secret: s } } ] }`)
  expect(settingsOf(withWebhook('http://127.0.0.1:9000/events')).warnings).toEqual([])
  expect(settingsOf(withWebhook('https://a.example/events')).frontier.webhooks).toEqual({
    lingerMs: 1000,
    batch: 100,
    attemptMs: 10_000,
    firstBackoffMs: 1000,
    longestBackoffMs: 5000,
    giveUpMs: 15_000,
    secretOverlapMs: 86_400_000,
  })
  expect(faultsOf(withWebhook('http://a.example/events'))[0]).toMatch(
    /^frontier\.workspaces\.0\.webhook\.url: must be an https URL, or http to localhost/,
  )
})

test('Postgres needs a configured master key', () => {
  const faults = faultsOf(load('database: { url: "postgres://u:p@127.0.0.1/t" }'))
  expect(faults).toHaveLength(1)
  expect(faults[0]).toMatch(/^security\.master_key: is required with Postgres/)
})

test('the test clock needs NODE_ENV=test', () => {
  expect(faultsOf(loadSettings({}, { TOLLGATE_TEST_CLOCK: '/tmp/clock' }))[0]).toMatch(/^TOLLGATE_TEST_CLOCK/)
  const settings = settingsOf(loadSettings({}, { TOLLGATE_TEST_CLOCK: '/tmp/clock', NODE_ENV: 'test' }))
  expect(settings.testClockFile).toBe('/tmp/clock')
})

test.each([
  ['an open bracket', 'server: [ {', /:1:\d+: is neither YAML nor JSON/],
  ['a tab', 'server:\n\tport: 1', /:2:1: is neither YAML nor JSON: a tab/],
  ['a member twice', 'server: {}\nserver: {}', /:2:1: is neither YAML nor JSON: a member that stands there/],
  ['a list', '- server', /^\(the file\): must be a mapping; found a list$/],
  ['an alias that leads nowhere', 'server: *nowhere', /is neither YAML nor JSON|aliases/],
])('a file that cannot be read as settings says where: %s', (_, file, expected) => {
  expect(faultsOf(load(file))[0]).toMatch(expected)
})

test('a file that is missing, or a directory, is a fault with its name', () => {
  const missing = join(folder, 'missing.yaml')
  expect(faultsOf(loadSettings({ config: missing }, {}))).toEqual([`${missing}: there is no such file`])
  expect(faultsOf(loadSettings({ config: folder }, {}))).toEqual([
    `${folder}: must be a file; found a directory`,
  ])
})
