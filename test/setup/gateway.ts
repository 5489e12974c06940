import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { migratedFile } from './databases.ts'
import { isLong } from './form.ts'

const root = join(import.meta.dirname, '../..')
/** The command as it is installed. */
export const commandFile = join(root, 'bin/tollgate.js')
const bundle = process.env.TOLLGATE_TEST_BUNDLE
/**
 * How Node runs the same, as it starts soonest: in the short form out of few files, and with a young heap that need not
 * grow first, which spares a sixth of a start.
 */
export const quickestCommand: readonly string[] =
  bundle === undefined ? [commandFile] : ['--min-semi-space-size=32', bundle]
/** A process that serves the management API and nothing else. */
export const managementNodeFile =
  bundle === undefined
    ? join(root, 'test/contract/management-node.fixture.ts')
    : join(dirname(bundle), 'management-node.js')

/** What a process of the tests starts with: nothing of theirs but this. Compiled once, starts take half the time. */
export const bareEnvironment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  NODE_ENV: 'test',
  NODE_COMPILE_CACHE:
    bundle === undefined ? (process.env.NODE_COMPILE_CACHE ?? '') : join(dirname(bundle), 'compiled'),
}
const readyLine = /^Tollgate is listening on (http:\/\/\S+)$/m
const adminKeyLine = /^Admin key: (\S+)$/m
const startLimitMs = 30_000

export interface GatewayOptions {
  /** The configuration file's contents; left out, the gateway makes its demo world. */
  readonly config?: object
  /** What the file is called, where that says whose it is; left out, it is ours. */
  readonly configName?: string
  readonly databaseUrl?: string
  /** Where it keeps its files; a new temporary folder when left out. */
  readonly dataDirectory?: string
  /** Time stands still at this instant until `setClock`. */
  readonly clock?: number
  readonly environment?: Record<string, string>
  /** Prefixes of the command, such as `prlimit`'s. */
  readonly launcher?: readonly string[]
}

/** A gateway in a process of its own, as an operator runs it. */
export interface Gateway {
  readonly url: string
  readonly adminKey: string
  readonly dataDirectory: string
  readonly process: ChildProcess
  output(): string
  log(): string
  /** Moves the test clock, and waits until the gateway has seen it. */
  setClock(at: number): Promise<void>
  /** Ends it by a signal; the exit code, or null where the signal killed it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

const testAdminKey = 'admin-key-of-the-tests'
export const masterKeyOfTests = Buffer.alloc(32, 7).toString('base64')

export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const dataDirectory = options.dataDirectory ?? (await newDataDirectory(options))
  const clockFile = join(dataDirectory, 'clock')
  if (options.clock !== undefined) writeFileSync(clockFile, String(options.clock))
  const child = spawnServe(options, dataDirectory, clockFile)

  let output = ''
  let log = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const exited = once(child, 'exit')
  children.add(child)
  child.once('exit', () => children.delete(child))
  const deadline = Date.now() + startLimitMs
  while (!readyLine.test(output)) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new GatewayDidNotStart(child.exitCode, output, log)
    }
    await sleep(10)
  }

  return {
    url: readyLine.exec(output)?.[1] ?? '',
    adminKey: adminKeyLine.exec(output)?.[1] ?? testAdminKey,
    dataDirectory,
    process: child,
    output: () => output,
    log: () => log,
    async setClock(at) {
      writeFileSync(clockFile, String(at))
      await sleep(200)
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await exited
      return child.exitCode
    },
  }
}

/** Thrown when a gateway exits, or says nothing, before it listens. */
export class GatewayDidNotStart extends Error {
  readonly exitCode: number | null
  readonly output: string
  readonly log: string

  constructor(exitCode: number | null, output: string, log: string) {
    super(`The gateway did not start (exit code ${exitCode}).\n${output}\n${log}`)
    this.exitCode = exitCode
    this.output = output
    this.log = log
  }
}

const folders: string[] = []
const children = new Set<ChildProcess>()
// The runner ends its workers so, which by itself would leave everything behind.
process.once('SIGTERM', () => process.exit())
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-test-'))
  folders.push(folder)
  return folder
}

/** In the short form its database is migrated: making the tables anew takes a tenth of a start. */
async function newDataDirectory({ databaseUrl }: GatewayOptions): Promise<string> {
  const folder = temporaryFolder()
  if (!isLong && databaseUrl === undefined) writeFileSync(join(folder, 'tollgate.db'), await migratedFile())
  return folder
}

function spawnServe(options: GatewayOptions, dataDirectory: string, clockFile: string): ChildProcess {
  const args = ['serve', '--port', '0', '--data', dataDirectory, '--log-level', 'info']
  if (options.config !== undefined) {
    const file = join(dataDirectory, options.configName ?? 'tollgate.json')
    writeFileSync(file, JSON.stringify(options.config))
    args.push('--config', file)
  }
  if (options.databaseUrl !== undefined) {
    args.push('--database-url', options.databaseUrl, '--master-key', masterKeyOfTests)
  }
  if (options.config !== undefined) args.push('--admin-key', testAdminKey)
  const [file = process.execPath, ...before] = options.launcher ?? []
  return spawn(
    file,
    [...before, ...(options.launcher ? [process.execPath] : []), ...quickestCommand, ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...bareEnvironment,
        ...(options.clock !== undefined && { TOLLGATE_TEST_CLOCK: clockFile }),
        ...options.environment,
      },
    },
  )
}
