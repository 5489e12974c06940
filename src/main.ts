import './engine.ts'
import { CommanderError } from 'commander'
import packageFile from '../package.json' with { type: 'json' }
import type { GatewayAddress } from './cli/ask-gateway.ts'
import { reportBackup } from './cli/backup.ts'
import { checkConfiguration } from './cli/check.ts'
import { drawProgress, reportCopy } from './cli/copy-report.ts'
import { inviteTo } from './cli/invitation.ts'
import { createProgram, exitCodes, type RecomputeOptions, usageExitCode } from './cli/program.ts'
import { readInstant, reportRecomputed } from './cli/recompute.ts'
import { reportRestore } from './cli/restore.ts'
import type { RunningGateway } from './compose/gateway.ts'
import { refusalOf } from './compose/refused.ts'
import { resolveValue } from './config/environment.ts'
import { wordFault, wordWarning } from './config/faults.ts'
import type { Flags } from './config/flags.ts'
import { publishedSchema } from './config/json-schema.ts'
import { findMasterKey, masterKeyFile } from './config/master-key.ts'
import { loadSettings, type Settings } from './config/settings.ts'

const { env: environment } = process

/** Under npm, ctrl-C arrives twice: from the terminal, and passed on by npm. */
const oneInterruptMs = 500

// What is made here, database and spool above all, is its owner's to read.
process.umask(0o077)

const program = createProgram(
  packageFile.version,
  {
    serve: (flags) => withSettings(flags, serve),
    async check(file, asJson) {
      const { isValid, text } = await checkConfiguration({ config: file }, environment, asJson)
      console.log(text)
      return isValid ? exitCodes.done : exitCodes.configuration
    },
    async schema() {
      console.log(JSON.stringify(publishedSchema(), null, 2))
      return exitCodes.done
    },
    migrate: (flags, to) =>
      withSettings(flags, (settings) => {
        warn(settings)
        return to === undefined ? migrateHere(settings) : copyTo(settings, to)
      }),
    backup: (flags, directory) => withSettings(flags, (settings) => backUpTo(settings, directory)),
    restore: (flags, directory) => withSettings(flags, (settings) => restoreFrom(settings, directory)),
    recomputeCosts: (flags, options) => withSettings(flags, (settings) => recompute(settings, options)),
    newAdminKey: (flags, name) =>
      withSettings(flags, async (settings) => {
        warn(settings)
        const { replaceAdminKey } = await import('./compose/maintain.ts')
        console.log(`Admin key: ${await replaceAdminKey(settings, name)}`)
        return exitCodes.done
      }),
    async explain(prefix, model, { url, adminKey, workspace, json }) {
      const address = gatewayAddress(url, adminKey)
      if (address === null) {
        console.error('--admin-key: is required; give it as $TOLLGATE_ADMIN_KEY or name a variable, env.NAME')
        return exitCodes.usage
      }
      const { explainCall } = await import('./cli/explain.ts')
      const wish = { prefix, model, workspace: workspace ?? null }
      const { exitCode, text } = await explainCall(wish, address, json ?? false)
      if (exitCode === exitCodes.done) console.log(text)
      else console.error(text)
      return exitCode
    },
  },
  (code) => {
    process.exitCode = code
  },
)

await program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = usageExitCode(error)
})

/** Where to ask, and with which key; null where there is no key. */
function gatewayAddress(url: string | undefined, adminKey: string | undefined): GatewayAddress | null {
  const key = resolveValue(adminKey ?? environment.TOLLGATE_ADMIN_KEY ?? '', environment)
  if (key === undefined || key === '') return null
  return { url: url ?? (environment.TOLLGATE_URL || 'http://127.0.0.1:8080'), adminKey: key }
}

async function withSettings(flags: Flags, run: (settings: Settings) => Promise<number>): Promise<number> {
  const loaded = loadSettings(flags, environment)
  if ('faults' in loaded) {
    for (const fault of loaded.faults) console.error(wordFault(fault))
    return exitCodes.configuration
  }
  try {
    return await run(loaded.settings)
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === null) throw error
    console.error(refusal.message)
    return refusal.exitCode
  }
}

function warn({ warnings }: Settings): void {
  for (const warning of warnings) console.error(wordWarning(warning))
}

/** Runs until a signal: the first drains, the second ends at once, and neither loses what was accounted. */
async function serve(settings: Settings): Promise<number> {
  const { openGateway } = await import('./compose/gateway.ts')
  const { openLog } = await import('./telemetry/log.ts')
  const logging = openLog(settings.logLevel)
  const { log, flush } = logging
  for (const { path, message } of settings.warnings) log.warn({ setting: path }, message)
  const signalled = untilSignalled()
  // A file size limit is a full disk to us: the failed write says so, and the signal must not end the process.
  process.on('SIGXFSZ', () => {})
  try {
    const gateway = await openGateway(settings, logging, packageFile.version)
    console.log(greet(gateway))
    await signalled
    await gateway.drain()
    return exitCodes.done
  } finally {
    flush()
  }
}

/** Resolves at the first signal to stop; a later one ends the process at once. */
function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    let first: { readonly signal: NodeJS.Signals; readonly atMs: number } | null = null
    const stop = (signal: NodeJS.Signals): void => {
      const atMs = performance.now()
      if (first === null) {
        first = { signal, atMs }
        resolve()
        return
      }
      const isEcho = signal === 'SIGINT' && first.signal === signal && atMs - first.atMs < oneInterruptMs
      if (!isEcho) process.exit(exitCodes.refused)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}

/** All that a start prints, in one write: who waits for a line finds the others with it. */
function greet({ url, adminKey, demo }: RunningGateway): string {
  const lines = [`Tollgate is listening on ${url}`]
  if (adminKey !== null) lines.push(`Admin key: ${adminKey}`)
  if (demo !== null) lines.push(inviteTo(url, demo))
  return lines.join('\n')
}

async function migrateHere(settings: Settings): Promise<number> {
  const { migrateDatabase } = await import('./compose/maintain.ts')
  const ran = await migrateDatabase(settings)
  console.log(ran.length === 0 ? 'The database is up to date.' : `Brought up to date: ${ran.join(', ')}.`)
  return exitCodes.done
}

async function backUpTo(settings: Settings, directory: string): Promise<number> {
  warn(settings)
  const { backUp } = await import('./compose/backup.ts')
  const { database } = await withProgress((show) => backUp(settings, packageFile.version, directory, show))
  const { masterKey, dataDirectory } = settings
  const place = masterKey === null ? masterKeyFile(dataDirectory) : 'what security.master_key is set to'
  console.log(reportBackup(directory, database.bytes, place))
  return exitCodes.done
}

async function restoreFrom(settings: Settings, directory: string): Promise<number> {
  warn(settings)
  const { restore } = await import('./compose/restore.ts')
  const { made_at } = await withProgress((show) => restore(settings, directory, show))
  const { masterKey, dataDirectory } = settings
  const isThere = findMasterKey(masterKey, dataDirectory) !== null
  console.log(reportRestore(dataDirectory, made_at, isThere ? null : masterKeyFile(dataDirectory)))
  return exitCodes.done
}

/** Shows how far a long work is, on a terminal. */
async function withProgress<T>(
  work: (show: (step: string, done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const isTerminal = process.stderr.isTTY
  try {
    return await work((...progress) => {
      if (isTerminal) process.stderr.write(drawProgress(...progress))
    })
  } finally {
    if (isTerminal) process.stderr.write('\n')
  }
}

async function recompute(settings: Settings, options: RecomputeOptions): Promise<number> {
  const { dryRun = false, json = false } = options
  const [from, to] = [readInstant(options.from ?? '0000-01-01'), readInstant(options.to ?? '9999-12-31')]
  if (from === null || to === null) {
    console.error(
      `${from === null ? '--from' : '--to'}: must be a day or an instant, such as 2026-11-01T08:00:00Z`,
    )
    return exitCodes.usage
  }
  warn(settings)
  const { recomputeCosts } = await import('./compose/recompute.ts')
  const recomputed = await withProgress((show) => recomputeCosts(settings, { from, to }, dryRun, show))
  console.log(reportRecomputed(recomputed, dryRun, json))
  return exitCodes.done
}

async function copyTo(settings: Settings, to: string): Promise<number> {
  const { copyDatabase } = await import('./compose/maintain.ts')
  const counts = await withProgress((show) =>
    copyDatabase(settings, resolveValue(to, environment) ?? to, show),
  )
  const { text, differing } = reportCopy(counts)
  console.log(text)
  if (differing.length === 0) return exitCodes.done
  console.error(`These tables differ: ${differing.join(', ')}. Something wrote to the database meanwhile.`)
  return exitCodes.refused
}
