import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import type { z } from 'zod'
import { parseDuration } from './duration.ts'
import { type Environment, environmentReference, resolveValue } from './environment.ts'
import { ConfigurationFile, foreignSections, type WorkspaceSection } from './schema.ts'

/** What the command line says; each member also stands in the environment as TOLLGATE_<NAME>. */
export interface Flags {
  readonly config?: string | undefined
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly data?: string | undefined
  readonly databaseUrl?: string | undefined
  readonly redisUrl?: string | undefined
  readonly threads?: string | undefined
  readonly adminKey?: string | undefined
  readonly masterKey?: string | undefined
  readonly logLevel?: string | undefined
  readonly insecure?: boolean | undefined
}

/** One thing wrong with the configuration: where, what was found, and what is allowed. */
export interface Fault {
  readonly path: string
  readonly message: string
}

export interface Warning {
  readonly path: string
  readonly message: string
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Everything the process is told at start, checked and with its secrets resolved. */
export interface Settings {
  readonly host: string
  readonly port: number
  readonly threads: number
  readonly dataDirectory: string
  readonly databaseUrl: string
  readonly countersUrl: string
  readonly logLevel: LogLevel
  readonly insecure: boolean
  readonly masterKey: string | null
  readonly adminKeys: readonly NamedSecret[]
  readonly testClockFile: string | null
  readonly server: ConfigurationFile['server']
  readonly ledger: LedgerSettings
  readonly defaultOutputCap: number
  readonly network: ConfigurationFile['network']
  readonly frontier: FrontierSettings
  /** Neither providers nor workspaces are configured: the demo world is made. */
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
}

export interface FrontierSettings {
  readonly strictKeyScheme: boolean
  readonly timeouts: { connectMs: number; firstByteMs: number; idleMs: number; totalMs: number }
  readonly workspaces: readonly WorkspaceSection[]
}

export type Loaded = { readonly settings: Settings } | { readonly faults: readonly Fault[] }

/** Reads flags, environment and file into settings, or names every fault. Flags win over environment over file. */
export function loadSettings(flags: Flags, environment: Environment): Loaded {
  const named = withEnvironment(flags, environment)
  const read = named.config === undefined ? { file: {} } : readConfigurationFile(named.config)
  if ('faults' in read) return read
  const parsed = ConfigurationFile.safeParse(read.file, { reportInput: true })
  if (!parsed.success) return { faults: parsed.error.issues.flatMap(toFaults) }

  const faults: Fault[] = []
  const warnings: Warning[] = unusedSections(parsed.data)
  const settings = assemble(named, environment, parsed.data, faults, warnings)
  return faults.length > 0 ? { faults } : { settings }
}

/** Parses a file as YAML, of which JSON is a part. */
function readConfigurationFile(path: string): { file: unknown } | { faults: Fault[] } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return {
      faults: [
        { path, message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` },
      ],
    }
  }
  try {
    return { file: parse(text) ?? {} }
  } catch (error) {
    return {
      faults: [
        {
          path,
          message: `is neither YAML nor JSON: ${error instanceof Error ? error.message : String(error)}`,
        },
      ],
    }
  }
}

function withEnvironment(flags: Flags, environment: Environment): Flags {
  const insecure = environment.TOLLGATE_INSECURE
  return {
    config: flags.config ?? environment.TOLLGATE_CONFIG,
    host: flags.host ?? environment.TOLLGATE_HOST,
    port: flags.port ?? environment.TOLLGATE_PORT,
    data: flags.data ?? environment.TOLLGATE_DATA,
    databaseUrl: flags.databaseUrl ?? environment.TOLLGATE_DATABASE_URL,
    redisUrl: flags.redisUrl ?? environment.TOLLGATE_REDIS_URL,
    threads: flags.threads ?? environment.TOLLGATE_THREADS,
    adminKey: flags.adminKey ?? environment.TOLLGATE_ADMIN_KEY,
    masterKey: flags.masterKey ?? environment.TOLLGATE_MASTER_KEY,
    logLevel: flags.logLevel ?? environment.TOLLGATE_LOG_LEVEL,
    insecure:
      flags.insecure ??
      (insecure !== undefined && insecure !== '' && insecure !== '0' && insecure !== 'false'),
  }
}

function toFaults(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map(String).join('.') || '(the file)'
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: issue.path.length > 0 ? `${path}.${key}` : key,
      message: 'is not a setting',
    }))
  }
  const found = issue.input === undefined ? 'nothing' : JSON.stringify(issue.input)
  return [{ path, message: `${issue.message}; found ${shortened(found)}` }]
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

function unusedSections(file: ConfigurationFile): Warning[] {
  const own = new Set(Object.keys(ConfigurationFile.shape))
  return Object.keys(file)
    .filter((section) => !own.has(section))
    .map((section) => ({
      path: section,
      message: foreignSections.has(section)
        ? 'this version does not act on this section'
        : 'is not a section we know',
    }))
}

function assemble(
  flags: Flags,
  environment: Environment,
  file: ConfigurationFile,
  faults: Fault[],
  warnings: Warning[],
): Settings {
  const secret = (text: string, path: string): string => {
    const found = resolveValue(text, environment)
    if (found === undefined)
      faults.push({ path, message: `${environmentReference(text)} is not set in the environment` })
    return found ?? ''
  }
  const providerKey = (text: string, path: string): string | undefined => {
    const found = resolveValue(text, environment)
    if (found === undefined) {
      warnings.push({ path, message: `${environmentReference(text)} is not set: this key is disabled` })
    }
    return found
  }
  const dataDirectory = resolve(flags.data ?? './data')
  const databaseUrl =
    flags.databaseUrl ??
    (file.database.url === undefined ? undefined : secret(file.database.url, 'database.url'))
  const masterKey =
    flags.masterKey ??
    (file.security.master_key === undefined ? null : secret(file.security.master_key, 'security.master_key'))
  const adminKeys = file.security.admin_keys.map(({ name, value }, index) => ({
    name,
    value: secret(value, `security.admin_keys.${index}.value`),
  }))
  if (flags.adminKey !== undefined) adminKeys.push({ name: 'command line', value: flags.adminKey })
  for (const [index, { value }] of adminKeys.entries()) {
    if (value.length < 16)
      faults.push({ path: `security.admin_keys.${index}.value`, message: 'must have at least 16 characters' })
  }

  return {
    host: flags.host ?? file.server.host ?? '127.0.0.1',
    port: integerFlag('port', flags.port, 0, 65_535, faults) ?? file.server.port ?? 8080,
    threads: onlyOneThread(
      integerFlag('threads', flags.threads, 1, 1024, faults) ?? file.server.threads ?? 1,
      faults,
    ),
    dataDirectory,
    databaseUrl: checkedDatabaseUrl(
      (databaseUrl ?? 'sqlite:<data>/tollgate.db').replace('<data>', dataDirectory),
      masterKey,
      faults,
    ),
    countersUrl: onlyMemory(flags.redisUrl ?? file.counters.url, faults),
    logLevel: logLevelFlag(flags.logLevel, faults),
    insecure: flags.insecure ?? false,
    masterKey,
    adminKeys,
    testClockFile: testClock(environment, faults),
    server: file.server,
    ledger: {
      durability: file.ledger.durability,
      retireAfterMs: milliseconds(file.ledger.node_retire_after),
      eventRetentionMs: milliseconds(file.ledger.retention.events),
      auditRetentionMs: milliseconds(file.ledger.retention.audit),
    },
    defaultOutputCap: file.limits.default_output_cap,
    network: file.network,
    frontier: {
      strictKeyScheme: file.frontier.strict_key_scheme,
      timeouts: {
        connectMs: milliseconds(file.frontier.timeouts.connect),
        firstByteMs: milliseconds(file.frontier.timeouts.first_byte),
        idleMs: milliseconds(file.frontier.timeouts.stream_idle),
        totalMs: milliseconds(file.frontier.timeouts.total),
      },
      workspaces: file.frontier.workspaces.map((workspace, index) =>
        resolveWorkspace(workspace, `frontier.workspaces.${index}`, secret, providerKey),
      ),
    },
    isUnconfigured: file.frontier.workspaces.length === 0 && file.providers === undefined,
    warnings,
  }
}

type Resolve<Found> = (text: string, path: string) => Found

/** A workspace with every value resolved. A provider key whose variable is unset is left out. */
function resolveWorkspace(
  workspace: WorkspaceSection,
  path: string,
  secret: Resolve<string>,
  providerKey: Resolve<string | undefined>,
): WorkspaceSection {
  return {
    ...workspace,
    api_keys: workspace.api_keys.map((key, index) => ({
      ...key,
      value: secret(key.value, `${path}.api_keys.${index}.value`),
    })),
    ...(workspace.webhook && {
      webhook: { ...workspace.webhook, secret: secret(workspace.webhook.secret, `${path}.webhook.secret`) },
    }),
    secrets: workspace.secrets.flatMap(({ id, value }, index) => {
      const found = providerKey(value, `${path}.secrets.${index}.value`)
      return found === undefined ? [] : [{ id, value: found }]
    }),
    models: workspace.models.map((model, index) => ({
      ...model,
      environments: Object.fromEntries(
        Object.entries(model.environments).map(([name, { api_key, ...environment }]) => {
          const found =
            api_key && providerKey(api_key, `${path}.models.${index}.environments.${name}.api_key`)
          return [name, found ? { ...environment, api_key: found } : environment]
        }),
      ),
    })),
  }
}

function milliseconds(text: string): number {
  const parsed = parseDuration(text)
  if (parsed === null) throw new Error(`a duration passed the schema but cannot be read: ${text}`)
  return parsed
}

function integerFlag(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
  faults: Fault[],
): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  faults.push({
    path: `--${name}`,
    message: `must be a whole number from ${least} to ${most}; found ${JSON.stringify(text)}`,
  })
  return undefined
}

function logLevelFlag(text: string | undefined, faults: Fault[]): LogLevel {
  if (text === undefined) return 'info'
  const level = logLevels.find((known) => known === text)
  if (level !== undefined) return level
  faults.push({
    path: '--log-level',
    message: `must be one of ${logLevels.join(', ')}; found ${JSON.stringify(text)}`,
  })
  return 'info'
}

function onlyOneThread(threads: number, faults: Fault[]): number {
  if (threads > 1)
    faults.push({ path: 'server.threads', message: 'more than one request thread is not built yet: use 1' })
  return threads
}

function onlyMemory(url: string, faults: Fault[]): string {
  if (url !== 'memory:') {
    const scheme = url.slice(0, url.indexOf(':') + 1)
    faults.push({
      path: 'counters.url',
      message: `shared counters (${scheme}) are not built yet: use memory:`,
    })
  }
  return url
}

function checkedDatabaseUrl(url: string, masterKey: string | null, faults: Fault[]): string {
  if (/^postgres(ql)?:\/\//.test(url)) {
    if (masterKey === null) {
      faults.push({
        path: 'security.master_key',
        message: 'is required with Postgres: 32 random bytes, for instance from `openssl rand -base64 32`',
      })
    }
  } else if (!url.startsWith('sqlite:') || url.length === 'sqlite:'.length) {
    faults.push({
      path: 'database.url',
      message: 'must be sqlite:<path> or postgres://user:password@host/name',
    })
  }
  return url
}

function testClock(environment: Environment, faults: Fault[]): string | null {
  const file = environment.TOLLGATE_TEST_CLOCK
  if (file === undefined || file === '') return null
  if (environment.NODE_ENV === 'test') return file
  faults.push({ path: 'TOLLGATE_TEST_CLOCK', message: 'is only for tests: it needs NODE_ENV=test' })
  return null
}
