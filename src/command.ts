import { CommanderError } from 'commander'
import packageFile from '../package.json' with { type: 'json' }
import { reportBackup } from './cli/backup.ts'
import { checkConfiguration } from './cli/check.ts'
import { drawProgress, reportCopy } from './cli/copy-report.ts'
import { inviteTo } from './cli/invitation.ts'
import {
  type Commands,
  createProgram,
  type ExplainOptions,
  exitCodes,
  type RecomputeOptions,
  usageExitCode,
} from './cli/program.ts'
import { readInstant, reportRecomputed } from './cli/recompute.ts'
import { reportRestore } from './cli/restore.ts'
import type { RunningGateway } from './compose/gateway.ts'
import { refusalOf } from './compose/refused.ts'
import { type Environment, resolveValue } from './config/environment.ts'
import { wordFault, wordWarning } from './config/faults.ts'
import type { Flags } from './config/flags.ts'
import { publishedSchema } from './config/json-schema.ts'
import { findMasterKey, masterKeyFile } from './config/master-key.ts'
import { loadSettings, type Settings } from './config/settings.ts'
import type { LogDestination } from './telemetry/log.ts'

/** What commands know of the process that they run in. */
export interface Surroundings {
  readonly environment: Environment
  writeOutput(text: string): void
  writeErrors(text: string): void
  /** Whether standard error is a terminal, whose last line can be written over. */
  readonly isTerminal: boolean
  /** Where the log goes; to standard error unless told. */
  readonly logDestination?: LogDestination
  /** Asked by what runs until it is told to stop: resolves then. */
  untilStopped(): Promise<unknown>
}

type Run = (settings: Settings, surroundings: Surroundings) => Promise<number>

/** Runs `tollgate` with these arguments, and returns the exit code. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = exitCodes.done
  const exit = (code: number): void => {
    exitCode = code
  }
  const { writeOutput, writeErrors } = surroundings
  const program = createProgram(packageFile.version, commandsIn(surroundings), exit, {
    writeOut: writeOutput,
    writeErr: writeErrors,
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return usageExitCode(error)
  }
}

function commandsIn(surroundings: Surroundings): Commands {
  const withSettings = (flags: Flags, run: Run) => runWithSettings(flags, run, surroundings)
  return {
    serve: (flags) => withSettings(flags, serve),
    check: (file, asJson) => check(file, asJson, surroundings),
    async schema() {
      say(JSON.stringify(publishedSchema(), null, 2), surroundings)
      return exitCodes.done
    },
    migrate: (flags, to) => withSettings(flags, to === undefined ? migrateHere : copyTo(to)),
    backup: (flags, directory) => withSettings(flags, backUpTo(directory)),
    restore: (flags, directory) => withSettings(flags, restoreFrom(directory)),
    recomputeCosts: (flags, options) => withSettings(flags, recompute(options)),
    newAdminKey: (flags, name) => withSettings(flags, newAdminKey(name)),
    explain: (prefix, model, options) => explain(prefix, model, options, surroundings),
  }
}

async function runWithSettings(flags: Flags, run: Run, surroundings: Surroundings): Promise<number> {
  const loaded = loadSettings(flags, surroundings.environment)
  if ('faults' in loaded) {
    for (const fault of loaded.faults) complain(wordFault(fault), surroundings)
    return exitCodes.configuration
  }
  try {
    return await run(loaded.settings, surroundings)
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === null) throw error
    complain(refusal.message, surroundings)
    return refusal.exitCode
  }
}

function say(text: string, { writeOutput }: Surroundings): void {
  writeOutput(`${text}\n`)
}

function complain(text: string, { writeErrors }: Surroundings): void {
  writeErrors(`${text}\n`)
}

function warn({ warnings }: Settings, surroundings: Surroundings): void {
  for (const warning of warnings) complain(wordWarning(warning), surroundings)
}

/** Runs until it is told to stop: then it drains, and loses nothing of what was accounted. */
async function serve(settings: Settings, surroundings: Surroundings): Promise<number> {
  const { openGateway } = await import('./compose/gateway.ts')
  const { openLog } = await import('./telemetry/log.ts')
  const logging = openLog(settings.logLevel, surroundings.logDestination)
  const stopped = surroundings.untilStopped()
  try {
    const gateway = await openGateway(settings, logging, packageFile.version)
    say(greet(gateway), surroundings)
    await stopped
    await gateway.drain()
    return exitCodes.done
  } finally {
    logging.flush()
  }
}

/** All that a start prints, in one write: who waits for a line finds the others with it. */
function greet({ url, adminKey, demo }: RunningGateway): string {
  const lines = [`Tollgate is listening on ${url}`]
  if (adminKey !== null) lines.push(`Admin key: ${adminKey}`)
  if (demo !== null) lines.push(inviteTo(url, demo))
  return lines.join('\n')
}

async function check(file: string | undefined, asJson: boolean, surroundings: Surroundings): Promise<number> {
  const { isValid, text } = await checkConfiguration({ config: file }, surroundings.environment, asJson)
  say(text, surroundings)
  return isValid ? exitCodes.done : exitCodes.configuration
}

async function migrateHere(settings: Settings, surroundings: Surroundings): Promise<number> {
  const { migrateDatabase } = await import('./compose/maintain.ts')
  warn(settings, surroundings)
  const ran = await migrateDatabase(settings)
  say(
    ran.length === 0 ? 'The database is up to date.' : `Brought up to date: ${ran.join(', ')}.`,
    surroundings,
  )
  return exitCodes.done
}

function copyTo(to: string): Run {
  return async (settings, surroundings) => {
    const { copyDatabase } = await import('./compose/maintain.ts')
    warn(settings, surroundings)
    const target = resolveValue(to, surroundings.environment) ?? to
    const counts = await withProgress(surroundings, (show) => copyDatabase(settings, target, show))
    const { text, differing } = reportCopy(counts)
    say(text, surroundings)
    if (differing.length === 0) return exitCodes.done
    complain(
      `These tables differ: ${differing.join(', ')}. Something wrote to the database meanwhile.`,
      surroundings,
    )
    return exitCodes.refused
  }
}

function backUpTo(directory: string): Run {
  return async (settings, surroundings) => {
    const { backUp } = await import('./compose/backup.ts')
    warn(settings, surroundings)
    const { database } = await withProgress(surroundings, (show) =>
      backUp(settings, packageFile.version, directory, show),
    )
    const { masterKey, dataDirectory } = settings
    const place = masterKey === null ? masterKeyFile(dataDirectory) : 'what security.master_key is set to'
    say(reportBackup(directory, database.bytes, place), surroundings)
    return exitCodes.done
  }
}

function restoreFrom(directory: string): Run {
  return async (settings, surroundings) => {
    const { restore } = await import('./compose/restore.ts')
    warn(settings, surroundings)
    const { made_at } = await withProgress(surroundings, (show) => restore(settings, directory, show))
    const { masterKey, dataDirectory } = settings
    const isThere = findMasterKey(masterKey, dataDirectory) !== null
    say(reportRestore(dataDirectory, made_at, isThere ? null : masterKeyFile(dataDirectory)), surroundings)
    return exitCodes.done
  }
}

function recompute({ from: first, to: end, dryRun = false, json = false }: RecomputeOptions): Run {
  return async (settings, surroundings) => {
    const [from, to] = [readInstant(first ?? '0000-01-01'), readInstant(end ?? '9999-12-31')]
    if (from === null || to === null) {
      const flag = from === null ? '--from' : '--to'
      complain(`${flag}: must be a day or an instant, such as 2026-11-01T08:00:00Z`, surroundings)
      return exitCodes.usage
    }
    const { recomputeCosts } = await import('./compose/recompute.ts')
    warn(settings, surroundings)
    const recomputed = await withProgress(surroundings, (show) =>
      recomputeCosts(settings, { from, to }, dryRun, show),
    )
    say(reportRecomputed(recomputed, dryRun, json), surroundings)
    return exitCodes.done
  }
}

function newAdminKey(name: string): Run {
  return async (settings, surroundings) => {
    const { replaceAdminKey } = await import('./compose/maintain.ts')
    warn(settings, surroundings)
    say(`Admin key: ${await replaceAdminKey(settings, name)}`, surroundings)
    return exitCodes.done
  }
}

/** Shows how far a long work is, on a terminal. */
async function withProgress<T>(
  { isTerminal, writeErrors }: Surroundings,
  work: (show: (step: string, done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  try {
    return await work((...progress) => {
      if (isTerminal) writeErrors(drawProgress(...progress))
    })
  } finally {
    if (isTerminal) writeErrors('\n')
  }
}

async function explain(
  prefix: string,
  model: string,
  { url, adminKey: given, workspace, json = false }: ExplainOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { environment } = surroundings
  const adminKey = resolveValue(given ?? environment.TOLLGATE_ADMIN_KEY ?? '', environment)
  if (adminKey === undefined || adminKey === '') {
    complain(
      '--admin-key: is required; give it as $TOLLGATE_ADMIN_KEY or name a variable, env.NAME',
      surroundings,
    )
    return exitCodes.usage
  }
  const { explainCall } = await import('./cli/explain.ts')
  const wish = { prefix, model, workspace: workspace ?? null }
  const address = { url: url ?? (environment.TOLLGATE_URL || 'http://127.0.0.1:8080'), adminKey }
  const { exitCode, text } = await explainCall(wish, address, json)
  if (exitCode === exitCodes.done) say(text, surroundings)
  else complain(text, surroundings)
  return exitCode
}
