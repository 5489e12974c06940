import packageFile from '../package.json' with { type: 'json' }
import { checkConfiguration, configurationSchema, wordFaults, wordWarnings } from './cli/check.ts'
import { createProgram, exitCodes } from './cli/program.ts'
import { type Flags, loadSettings, type Settings } from './config/settings.ts'
import { CommandRefused, copyDatabase, migrateDatabase, replaceAdminKey } from './maintain.ts'
import { type Demo, openGateway, StartRefused } from './serve.ts'
import { openLog } from './telemetry/log.ts'

const { env: environment } = process

await createProgram(
  packageFile.version,
  {
    serve: (flags) => withSettings(flags, serve),
    async check(file, asJson) {
      const { isValid, text } = checkConfiguration(
        { config: file ?? environment.TOLLGATE_CONFIG },
        environment,
        asJson,
      )
      console.log(text)
      return isValid ? exitCodes.done : exitCodes.configuration
    },
    async schema() {
      console.log(configurationSchema())
      return exitCodes.done
    },
    migrate: (flags, to) =>
      withSettings(flags, (settings) => (to === undefined ? migrateHere(settings) : copyTo(settings, to))),
    newAdminKey: (flags, name) =>
      withSettings(flags, async (settings) => {
        console.log(`Admin key: ${await replaceAdminKey(settings, name)}`)
        return exitCodes.done
      }),
  },
  (code) => {
    process.exitCode = code
  },
).parseAsync()

async function withSettings(flags: Flags, run: (settings: Settings) => Promise<number>): Promise<number> {
  const loaded = loadSettings(flags, environment)
  if ('faults' in loaded) {
    for (const line of wordFaults(loaded.faults)) console.error(line)
    return exitCodes.configuration
  }
  for (const line of wordWarnings(loaded.settings.warnings)) console.error(line)
  try {
    return await run(loaded.settings)
  } catch (error) {
    if (error instanceof StartRefused) {
      console.error(error.message)
      return exitCodes.configuration
    }
    if (error instanceof CommandRefused) {
      console.error(error.message)
      return exitCodes.refused
    }
    throw error
  }
}

/** Runs until a signal: the first drains, the second ends at once, and neither loses what was accounted. */
async function serve(settings: Settings): Promise<number> {
  const { log, flush } = openLog(settings.logLevel)
  const signals = Promise.withResolvers<void>()
  let isFirst = true
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (!isFirst) process.exit(1)
      isFirst = false
      signals.resolve()
    })
  }
  // A file size limit is a full disk to us: the failed write says so, and the signal must not end the process.
  process.on('SIGXFSZ', () => {})
  try {
    const gateway = await openGateway(settings, log, packageFile.version)
    console.log(`Tollgate is listening on ${gateway.url}`)
    if (gateway.adminKey !== null) console.log(`Admin key: ${gateway.adminKey}`)
    if (gateway.demo !== null) console.log(inviteTo(gateway.url, gateway.demo))
    await signals.promise
    await gateway.drain()
    return exitCodes.done
  } finally {
    flush()
  }
}

/** A call to try, which works when pasted. */
function inviteTo(url: string, { model, key }: Demo): string {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
  const call = [
    `curl ${url}/v1/chat/completions \\`,
    `  -H "Authorization: Api-Key ${key ?? '$TOLLGATE_KEY'}" -H "Content-Type: application/json" \\`,
    `  -d '${body}'`,
  ].join('\n')
  if (key !== null) return `\nTry a governed call:\n\n${call}\n`
  return [
    '\nTry a governed call with a key of yours:\n',
    `${call}\n`,
    'To mint one, with the admin key:\n',
    `curl ${url}/v1/gateway/groups?external_entity_id=demo -H "Authorization: Api-Key $ADMIN_KEY"`,
    `curl -X POST ${url}/v1/gateway/groups/GROUP_ID/api_keys -H "Authorization: Api-Key $ADMIN_KEY"\n`,
  ].join('\n')
}

async function migrateHere(settings: Settings): Promise<number> {
  const ran = await migrateDatabase(settings)
  console.log(ran.length === 0 ? 'The database is up to date.' : `Brought up to date: ${ran.join(', ')}.`)
  return exitCodes.done
}

async function copyTo(settings: Settings, to: string): Promise<number> {
  const counts = await copyDatabase(settings, to, showProgress)
  if (process.stderr.isTTY) process.stderr.write('\n')
  for (const { table, source, target } of counts) console.log(`${table}: ${source} here, ${target} there`)
  const differs = counts.filter(({ source, target }) => source !== target)
  if (differs.length === 0) return exitCodes.done
  console.error(
    `These tables differ: ${differs.map(({ table }) => table).join(', ')}. Was a gateway still running?`,
  )
  return exitCodes.refused
}

const barCells = 30

function showProgress(table: string, copied: number, total: number): void {
  if (!process.stderr.isTTY) return
  const filled = total === 0 ? barCells : Math.round((copied / total) * barCells)
  const bar = '█'.repeat(filled).padEnd(barCells, '░')
  process.stderr.write(`\r\u001b[K${bar} ${table} ${copied}/${total}`)
}
