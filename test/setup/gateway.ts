import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bareEnvironment, quickestCommand, runHere } from './command.ts'
import { migratedFolder } from './databases.ts'
import { temporaryFolder } from './folders.ts'
import { isLong } from './form.ts'
import { running } from './running.ts'

const readyLine = /^Tollgate is listening on (http:\/\/\S+)$/m
const adminKeyLine = /^Admin key: (\S+)$/m
const startLimitMs = 30_000
/** The gateway looks at its clock's file again after fifty. */
const clockSeenAfterMs = 100

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
}

export interface ProcessOptions extends GatewayOptions {
  /** Prefixes of the command, such as `prlimit`'s. */
  readonly launcher?: readonly string[]
}

export interface Gateway {
  readonly url: string
  readonly adminKey: string
  readonly dataDirectory: string
  /** What it has printed. */
  output(): string
  log(): string
  /** Moves the test clock, and waits until the gateway has seen it. */
  setClock(at: number): Promise<void>
  /** Lets it drain; the exit code of the command. */
  stop(): Promise<number | null>
}

/** A gateway in a process of its own, as an operator runs it. */
export interface GatewayProcess extends Gateway {
  readonly process: ChildProcess
  /** Ends it by a signal; the exit code, or null where the signal killed it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

const testAdminKey = 'admin-key-of-the-tests'
export const masterKeyOfTests = Buffer.alloc(32, 7).toString('base64')

/**
 * A gateway for tests that need nothing of its process. In the short form it has none of its own but runs in the tests',
 * where a start takes a third of the time.
 */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  if (isLong) return startGatewayProcess(options)
  const place = await prepare(options)
  const told = Promise.withResolvers<void>()
  const { output, errors, ended } = await runHere(place.args, place.environment, () => told.promise)
  const stop = () => {
    told.resolve()
    return ended
  }
  running.add(stop)
  let exitCode: number | undefined
  void ended.then((code) => {
    exitCode = code
    running.delete(stop)
  })
  return { ...(await whenReady(place, { output, log: errors, exitCode: () => exitCode })), stop }
}

export async function startGatewayProcess(options: ProcessOptions = {}): Promise<GatewayProcess> {
  const place = await prepare(options)
  const [file = process.execPath, ...before] = options.launcher ?? []
  const child = spawn(
    file,
    [...before, ...(options.launcher ? [process.execPath] : []), ...quickestCommand, ...place.args],
    { stdio: ['ignore', 'pipe', 'pipe'], env: place.environment },
  )
  let [output, log] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const closed = once(child, 'close')
  const exitCode = () => (child.signalCode === null ? (child.exitCode ?? undefined) : null)
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (exitCode() === undefined) child.kill(signal)
    await closed
    return child.exitCode
  }
  const kill = () => stop('SIGKILL')
  running.add(kill)
  child.once('exit', () => running.delete(kill))
  try {
    const gateway = await whenReady(place, { output: () => output, log: () => log, exitCode })
    return { ...gateway, process: child, stop }
  } catch (error) {
    await kill()
    throw error
  }
}

/** The command, in whichever process. */
interface Serving {
  output(): string
  log(): string
  /** Null where a signal ended it; undefined while it runs. */
  exitCode(): number | null | undefined
}

async function whenReady(
  { dataDirectory, setClock }: Place,
  { output, log, exitCode }: Serving,
): Promise<Omit<Gateway, 'stop'>> {
  const deadline = Date.now() + startLimitMs
  while (!readyLine.test(output())) {
    if (exitCode() !== undefined || Date.now() > deadline)
      throw new GatewayDidNotStart(exitCode() ?? null, output(), log())
    await sleep(10)
  }
  return {
    url: readyLine.exec(output())?.[1] ?? '',
    adminKey: adminKeyLine.exec(output())?.[1] ?? testAdminKey,
    dataDirectory,
    output,
    log,
    setClock,
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

interface Place {
  readonly dataDirectory: string
  /** Of the command. */
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  setClock(at: number): Promise<void>
}

/** Makes the files that a gateway starts with. */
async function prepare(options: GatewayOptions): Promise<Place> {
  const dataDirectory = options.dataDirectory ?? (await newDataDirectory(options))
  const clockFile = join(dataDirectory, 'clock')
  const setTo = (at: number) => writeFileSync(clockFile, String(at))
  if (options.clock !== undefined) setTo(options.clock)
  const args = ['serve', '--port', '0', '--data', dataDirectory, '--log-level', 'info']
  if (options.config !== undefined) {
    const file = join(dataDirectory, options.configName ?? 'tollgate.json')
    writeFileSync(file, JSON.stringify(options.config))
    args.push('--config', file, '--admin-key', testAdminKey)
  }
  if (options.databaseUrl !== undefined)
    args.push('--database-url', options.databaseUrl, '--master-key', masterKeyOfTests)
  return {
    dataDirectory,
    args,
    environment: {
      ...bareEnvironment,
      ...(options.clock !== undefined && { TOLLGATE_TEST_CLOCK: clockFile }),
      ...options.environment,
    },
    async setClock(at) {
      setTo(at)
      await sleep(clockSeenAfterMs)
    },
  }
}

/** In the long form the gateway makes its tables itself. */
async function newDataDirectory({ databaseUrl }: GatewayOptions): Promise<string> {
  return isLong || databaseUrl !== undefined ? temporaryFolder() : migratedFolder()
}
