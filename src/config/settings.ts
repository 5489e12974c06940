import { isIP } from 'node:net'
import { basename, resolve } from 'node:path'
import { badOnboarding } from '../tenancy/rules/default-workspace.ts'
import { parseDuration } from './duration.ts'
import { type Environment, type NamedVariable, resolveReferences } from './environment.ts'
import { type Fault, faultsOf, type Warning, wordPath } from './faults.ts'
import { type Flags, type GivenFlags, type LogLevel, readFlags } from './flags.ts'
import { type GovernanceSettings, readGovernance } from './governance-file.ts'
import { schemaAt } from './json-schema.ts'
import { namesGivenTwice } from './names-given-twice.ts'
import { readConfigurationFile } from './read-file.ts'
import { readLoosely } from './read-loosely.ts'
import {
  ConfigurationFile,
  foreignSections,
  looseSections,
  ownSections,
  type WorkspaceSection,
} from './schema.ts'

/** Everything the process is told at start, checked and with its secrets resolved. */
export interface Settings {
  readonly host: string
  readonly port: number
  readonly dataDirectory: string
  readonly databaseUrl: string
  readonly logLevel: LogLevel
  readonly masterKey: string | null
  readonly adminKeys: readonly NamedSecret[]
  readonly testClockFile: string | null
  readonly server: ConfigurationFile['server']
  readonly ledger: LedgerSettings
  readonly defaultOutputCap: number
  readonly network: ConfigurationFile['network']
  readonly frontier: FrontierSettings
  readonly governance: GovernanceSettings
  /** Whether what needs no credential may be offered: nobody but this machine can reach it, or the operator insists. */
  readonly mayStandOpen: boolean
  /** What `env.NAME` stands for in what comes over the API. Our own variables, the master key among them, are nobody's. */
  readonly variable: (name: string) => string | undefined
  /** Neither workspaces nor providers nor governance are configured: the demo world is made. */
  readonly isUnconfigured: boolean
  readonly warnings: readonly Warning[]
}

export interface NamedSecret {
  readonly name: string
  readonly value: string
}

export interface LedgerSettings {
  readonly durability: 'process' | 'strict'
  readonly retireAfterMs: number
  readonly eventRetentionMs: number
  readonly auditRetentionMs: number
  readonly deliveryRetentionMs: number
  readonly deadLetterRetentionMs: number
  readonly attemptRetentionMs: number
  readonly refusalRetentionMs: number
  readonly bucketRetentionMs: number
}

export interface FrontierSettings {
  readonly strictKeyScheme: boolean
  readonly managementRequestsPerSecond: number
  readonly timeouts: { connectMs: number; firstByteMs: number; idleMs: number; totalMs: number }
  readonly webhooks: {
    lingerMs: number
    batch: number
    attemptMs: number
    firstBackoffMs: number
    longestBackoffMs: number
    giveUpMs: number
    secretOverlapMs: number
  }
  readonly workspaces: readonly WorkspaceSection[]
}

export type Loaded = { readonly settings: Settings } | { readonly faults: readonly Fault[] }

/** Reads flags, environment and file into settings, or names every fault. Flags win over environment over file. */
export function loadSettings(flags: Flags, environment: Environment): Loaded {
  const faults: Fault[] = []
  const given = readFlags(flags, environment, faults)
  const path = given.text('config')
  const read = path === undefined ? { file: {} } : readConfigurationFile(path)
  if ('faults' in read) return { faults: [...faults, ...read.faults] }
  const file = parseFile(read.file, environment)
  if ('faults' in file) return { faults: [...faults, ...file.faults] }
  const isOthers = isOfAnotherGateway(path ?? '', read.file)
  const { governance, ...judged } = readGovernance(file.parsed, !isOthers, environment)
  faults.push(...judged.faults)
  const warnings = [...file.warnings, ...judged.warnings]
  const settings = assemble(given, file.parsed, governance, warnings, environment, faults)
  return faults.length > 0 ? { faults } : { settings }
}

type ParsedFile = { readonly parsed: ConfigurationFile; readonly warnings: Warning[] }

/** Puts variables in their places and holds the outcome against the schema. A provider's key that is not set is left out. */
function parseFile(file: unknown, environment: Environment): ParsedFile | { readonly faults: Fault[] } {
  const unknown: Warning[] = []
  const isMapping = typeof file === 'object' && file !== null && !Array.isArray(file)
  const sections = isMapping ? Object.entries(file) : []
  const ours = Object.fromEntries(
    sections
      .filter(
        ([name, section]) =>
          name in ConfigurationFile.shape && !(section === null && looseSections.includes(name)),
      )
      .map(([name, section]) => {
        const node = looseSections.includes(name) ? schemaAt([name]) : null
        if (node === null) return [name, section]
        const loosely = readLoosely(section, node, name)
        unknown.push(...loosely.unknown)
        return [name, loosely.value]
      }),
  )
  const theirs = Object.fromEntries(sections.filter(([name]) => !(name in ConfigurationFile.shape)))
  const resolved = resolveReferences(ours, environment, (path) => schemaAt(path)?.type, keptAt)
  const whole = isMapping ? { ...theirs, ...(resolved.value as object) } : file
  const checked = ConfigurationFile.safeParse(whole, { reportInput: true })

  const unset = resolved.unset.filter(({ path }) => !isProviderKey(path))
  const unsetAt = new Set(resolved.unset.map(({ path }) => wordPath(path)))
  const takenAt = new Map(resolved.taken.map(({ path, name }) => [wordPath(path), name]))
  const issues = (checked.error?.issues ?? []).filter(({ path }) => !unsetAt.has(wordPath(path)))
  const faults = [...unset.map(toUnset), ...faultsOf(issues, (path) => takenAt.get(wordPath(path)))]
  if (!checked.success || faults.length > 0) return { faults }

  const broken = [...namesGivenTwice(checked.data), ...offBoard(checked.data)]
  if (broken.length > 0) return { faults: broken }
  const disabled = resolved.unset.filter(({ path }) => isProviderKey(path))
  return {
    parsed: withoutKeys(checked.data, new Set(disabled.map(({ path }) => wordPath(path)))),
    warnings: [
      ...unknown,
      ...disabled.map(({ path, name }) => ({
        path: wordPath(path),
        message: `${name} is not set in the environment: this key is disabled`,
      })),
      ...Object.keys(theirs).map((section) => ({
        path: section,
        message: foreignSections.get(section) ?? 'is not a section that we know, and is ignored',
      })),
    ],
  }
}

function offBoard({ frontier }: ConfigurationFile): Fault[] {
  return frontier.workspaces.flatMap(({ id, onboarded }, index) => {
    const message = badOnboarding(id, onboarded)
    return message === null
      ? []
      : [{ path: `frontier.workspaces.${index}.onboarded`, message, found: String(onboarded) }]
  })
}

function toUnset({ path, name }: NamedVariable): Fault {
  return { path: wordPath(path), message: `${name} is not set in the environment` }
}

/**
 * Secrets of providers and of servers of tools, and values that callers must send, are stored as they are written, so
 * that they are shown so and follow the environment. What people keep for themselves is text, whatever it looks like.
 */
function keptAt(path: readonly PropertyKey[]): 'name' | 'text' | null {
  const [section, list, item, member] = path
  if (section === 'governance' && path.length === 4) return freeMembers.has(member ?? '') ? 'text' : null
  if (section === 'client') return list === 'required_headers' && typeof item === 'string' ? 'name' : null
  if (section === 'providers' && member !== undefined) return isKeptOfProvider(path) ? 'name' : null
  const isSecret = member === 'connection_string' || member === 'headers' || path.at(-1) === 'client_secret'
  return section === 'mcp' && list === 'client_configs' && isSecret ? 'name' : null
}

const freeMembers: ReadonlySet<PropertyKey> = new Set([
  'profile',
  'config',
  'claims',
  'query',
  'cel_expression',
])

function isKeptOfProvider([, , part, member, ...within]: readonly PropertyKey[]): boolean {
  if (part === 'network_config') return member === 'extra_headers'
  if (part === 'proxy_config') return member === 'password'
  return part === 'keys' && (within[0] === 'value' || String(within[0]).endsWith('_key_config'))
}

/**
 * Whether a file is one of another gateway: JSON, under another name than ours, and with none of our own sections. In
 * such a file, what it leaves out means what it means there.
 */
function isOfAnotherGateway(path: string, file: unknown): boolean {
  if (typeof file !== 'object' || file === null || !path.endsWith('.json')) return false
  const names = Object.keys(file)
  const isNamedOurs = basename(path) === 'tollgate.json'
  return (
    !isNamedOurs &&
    !names.some((name) => ownSections.includes(name)) &&
    names.some((name) => looseSections.includes(name))
  )
}

/** A call can do without one, or fails by itself; the others stay. */
function isProviderKey(path: readonly PropertyKey[]): boolean {
  if (path[0] === 'providers') return path[2] === 'keys' && isKeptOfProvider(path)
  const [section, , , list] = path
  const member = path.at(-1)
  if (section !== 'frontier') return false
  return (list === 'secrets' && member === 'value') || (list === 'models' && member === 'api_key')
}

function withoutKeys(file: ConfigurationFile, disabled: ReadonlySet<string>): ConfigurationFile {
  if (disabled.size === 0) return file
  const workspaces = file.frontier.workspaces.map((workspace, index) => {
    const path = `frontier.workspaces.${index}`
    return {
      ...workspace,
      secrets: workspace.secrets.filter((_, secret) => !disabled.has(`${path}.secrets.${secret}.value`)),
      models: workspace.models.map((model, position) => ({
        ...model,
        environments: Object.fromEntries(
          Object.entries(model.environments).map(([name, { api_key, ...environment }]) => {
            const isDisabled = disabled.has(`${path}.models.${position}.environments.${name}.api_key`)
            return [name, api_key === undefined || isDisabled ? environment : { ...environment, api_key }]
          }),
        ),
      })),
    }
  })
  return { ...file, frontier: { ...file.frontier, workspaces } }
}

function assemble(
  given: GivenFlags,
  file: ConfigurationFile,
  governance: GovernanceSettings,
  warnings: readonly Warning[],
  environment: Environment,
  faults: Fault[],
): Settings {
  const dataDirectory = resolve(given.text('data') ?? './data')
  const masterKey = given.text('masterKey') ?? file.security.master_key ?? null
  const { timeouts, webhooks } = file.frontier
  refuseThreads(given.integer('threads', 1, 1024) ?? file.server.threads, faults)
  refuseSharedCounters(given.text('redisUrl') ?? file.counters.url, faults)
  return {
    host: given.text('host') ?? file.server.host,
    port: given.integer('port', 0, 65_535) ?? file.server.port,
    dataDirectory,
    databaseUrl: databaseUrl(
      given.text('databaseUrl') ?? file.database.url,
      dataDirectory,
      masterKey,
      faults,
    ),
    logLevel: given.logLevel(),
    masterKey,
    adminKeys: [...file.security.admin_keys, ...adminKeyOf(given, faults)],
    testClockFile: testClock(environment, faults),
    server: file.server,
    ledger: {
      durability: file.ledger.durability,
      retireAfterMs: milliseconds(file.ledger.node_retire_after),
      eventRetentionMs: milliseconds(file.ledger.retention.events),
      auditRetentionMs: milliseconds(file.ledger.retention.audit),
      deliveryRetentionMs: milliseconds(file.ledger.retention.deliveries),
      deadLetterRetentionMs: milliseconds(file.ledger.retention.dead_letters),
      attemptRetentionMs: milliseconds(file.ledger.retention.attempts),
      refusalRetentionMs: milliseconds(file.ledger.retention.refusals),
      bucketRetentionMs: milliseconds(file.ledger.retention.buckets),
    },
    defaultOutputCap: file.limits.default_output_cap,
    network: file.network,
    frontier: {
      strictKeyScheme: file.frontier.strict_key_scheme,
      managementRequestsPerSecond: file.frontier.management_requests_per_second,
      timeouts: {
        connectMs: milliseconds(timeouts.connect),
        firstByteMs: milliseconds(timeouts.first_byte),
        idleMs: milliseconds(timeouts.stream_idle),
        totalMs: milliseconds(timeouts.total),
      },
      webhooks: {
        lingerMs: milliseconds(webhooks.linger),
        batch: webhooks.batch,
        attemptMs: milliseconds(webhooks.attempt_timeout),
        firstBackoffMs: milliseconds(webhooks.first_backoff),
        longestBackoffMs: milliseconds(webhooks.longest_backoff),
        giveUpMs: milliseconds(webhooks.give_up_after),
        secretOverlapMs: milliseconds(webhooks.secret_overlap),
      },
      workspaces: file.frontier.workspaces,
    },
    governance,
    isUnconfigured:
      file.frontier.workspaces.length === 0 && file.providers === undefined && file.governance === undefined,
    variable: (name) => (name.startsWith('TOLLGATE_') ? undefined : environment[name]),
    mayStandOpen: given.isInsecure || isLoopback(given.text('host') ?? file.server.host),
    warnings,
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function milliseconds(text: string): number {
  const parsed = parseDuration(text)
  if (parsed === null) throw new Error(`a duration passed the schema but cannot be read: ${text}`)
  return parsed
}

function refuseThreads(threads: number, faults: Fault[]): void {
  if (threads === 1) return
  const message = 'must be 1: more than one request thread is not built yet'
  faults.push({ path: 'server.threads', message, found: String(threads) })
}

/** A URL may hold a password, so only its scheme is shown. */
function refuseSharedCounters(url: string, faults: Fault[]): void {
  if (url === 'memory:') return
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0] ?? 'a text'
  faults.push({
    path: 'counters.url',
    message: 'must be memory: (shared counters are not built yet)',
    found: scheme,
  })
}

function adminKeyOf(given: GivenFlags, faults: Fault[]): NamedSecret[] {
  const value = given.text('adminKey')
  if (value === undefined) return []
  if (value.length < 16)
    faults.push({ path: '--admin-key', message: 'must be a text of at least 16 characters' })
  return [{ name: 'command line', value }]
}

function databaseUrl(text: string, dataDirectory: string, masterKey: string | null, faults: Fault[]): string {
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) {
    const message = 'is required with Postgres: 32 random bytes, say from `openssl rand -base64 32`'
    if (masterKey === null) faults.push({ path: 'security.master_key', message })
    return text
  }
  if (!/^sqlite:./.test(text)) {
    const message = 'must be sqlite:<path> or postgres://<user>:<password>@<host>/<name>'
    faults.push({ path: 'database.url', message, found: text === '' ? 'an empty text' : 'another text' })
  }
  return text.replace('<data>', dataDirectory)
}

function testClock(environment: Environment, faults: Fault[]): string | null {
  const file = environment.TOLLGATE_TEST_CLOCK
  if (file === undefined || file === '') return null
  if (environment.NODE_ENV === 'test') return file
  faults.push({ path: 'TOLLGATE_TEST_CLOCK', message: 'is only for tests: it needs NODE_ENV=test' })
  return null
}
