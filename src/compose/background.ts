import { setTimeout as wait } from 'node:timers/promises'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openClock } from '../config/clock.ts'
import type { InstanceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import { type Drain, type DrainEvent, type DrainStanding, openDrain } from '../ledger/drain.ts'
import { spoolFiles } from '../ledger/files.ts'
import { joinInstallation } from '../ledger/instance.ts'
import { readOpenCharges } from '../ledger/open-charges.sql.ts'
import { type Recovered, recover } from '../ledger/recover.ts'
import { repeat } from '../ledger/rounds.ts'
import { type SpoolMessage, spoolDirectory } from '../ledger/segment.ts'
import { openSweep } from '../ledger/sweep.ts'
import type { Charge } from '../limits/plan.ts'
import type { Database } from '../store/database.ts'
import { isUnavailable } from '../store/errors.ts'
import { migrate } from '../store/migrate.ts'
import type { DatabaseLocation } from '../store/open.ts'
import { openPostgres } from '../store/postgres.ts'
import { openSqliteWriter } from '../store/sqlite-writer.ts'

/** What the background thread is started with. */
export interface BackgroundData {
  readonly database: DatabaseLocation
  readonly dataDirectory: string
  readonly instance: InstanceId
  readonly testClockFile: string | null
  readonly retireAfterMs: number
  readonly eventsKeptMs: number
  readonly auditKeptMs: number
  /** Whoever holds the other end writes through this thread's SQLite connection; null on Postgres. */
  readonly writerPort: MessagePort | null
}

/** What the background thread tells the main one. */
export type BackgroundNews =
  /** What counters had been charged before this start: in pieces, all before `ready`. */
  | { readonly news: 'charges'; readonly charges: readonly Charge[] }
  | {
      readonly news: 'ready'
      readonly recovered: Recovered
      readonly migrated: readonly string[]
      /** The instance's: no settlement may be dated earlier. */
      readonly watermarkAt: EpochMs
    }
  /** The gateway cannot start, and why; what may pass by itself is worth another try. */
  | { readonly news: 'refused'; readonly message: string; readonly mayPass: boolean }
  /** How the drain stands: each second, and when there is more to drain. */
  | { readonly news: 'standing'; readonly standing: DrainStanding }
  | { readonly news: 'drain'; readonly event: DrainEvent }
  | { readonly news: 'trouble'; readonly message: string }
  | { readonly news: 'closed'; readonly isDrained: boolean }

/** What it is told: the spool's messages, and last of all to close. */
export type BackgroundOrder = SpoolMessage | 'close'

const standingEveryMs = 1000
/** How long a shut-down waits for a database that is away. What is left stays in its files for the next start. */
const lastDrainMs = 10_000

const port = parentPort
if (port === null) throw new Error('background.ts is the entry of a thread, not of a process')
const data = workerData as BackgroundData
const tell = (news: BackgroundNews): void => port.postMessage(news)
const trouble = (error: unknown): void =>
  tell({ news: 'trouble', message: error instanceof Error ? error.message : String(error) })

/**
 * The second thread's composition: the database's writer, the drain of the spool, the heartbeat, retention. What can
 * wait for a disk or a database is done here, so that the thread of the requests never does.
 */
async function run(): Promise<void> {
  const clock = openClock(data.testClockFile)
  const database = openHere(data.database)
  const migrated = await migrate(database)
  if ('newerMigrations' in migrated) {
    return refuse(
      database,
      `database.url: a newer release has used this database (${migrated.newerMigrations.join(', ')}). Run that release, or restore a backup from before it.`,
    )
  }
  const { instance, retireAfterMs } = data
  const joined = await joinInstallation({
    database,
    id: instance,
    clock,
    alone: true,
    retireAfterMs,
    onRetired: (instances) => trouble(`given up after silence: instances ${instances.join(', ')}`),
    onError: trouble,
  })
  if ('others' in joined) {
    return refuse(
      database,
      'database.url: another gateway is running on this database, and counters.url is memory:, so neither would know what the other admits. Stop it first.',
    )
  }

  const directory = spoolDirectory(data.dataDirectory)
  const drain = openDrain({
    database,
    directory,
    instance,
    threads: 1,
    files: spoolFiles,
    onEvent: (event) => tell({ news: 'drain', event }),
  })
  const recovered = await recover({ database, directory, instance, drain, files: spoolFiles, now: clock() })
  for await (const charges of readOpenCharges(database, clock())) tell({ news: 'charges', charges })
  const { eventsKeptMs, auditKeptMs } = data
  const sweep = openSweep({ database, clock, eventsKeptMs, auditKeptMs, onError: trouble })
  const standing = repeat(standingEveryMs, async () => tellStanding(drain), trouble)
  tell({ news: 'ready', recovered, migrated: migrated.migrated, watermarkAt: joined.joined.watermarkAt })

  await untilClosed(drain)
  await Promise.race([drain.idle(), wait(lastDrainMs)])
  const isDrained = drain.standing().waitingSegments === 0
  await Promise.all([standing.close(), sweep.close()])
  await drain.close()
  await joined.joined.close(isDrained).catch(trouble)
  await database.close()
  tell({ news: 'closed', isDrained })
}

function openHere(location: DatabaseLocation): Database {
  if (location.kind === 'postgres') return openPostgres(location.url, { connections: 3 })
  const writer = openSqliteWriter(location.path)
  if (data.writerPort !== null) writer.serve(data.writerPort)
  return { ...writer.database, close: () => writer.close() }
}

async function refuse(database: Database, message: string): Promise<void> {
  await database.close()
  tell({ news: 'refused', message, mayPass: false })
}

function tellStanding(drain: Drain): void {
  tell({ news: 'standing', standing: drain.standing() })
}

/** Hands the spool's messages to the drain until told to close. */
function untilClosed(drain: Drain): Promise<void> {
  return new Promise((resolve) => {
    port?.on('message', (order: BackgroundOrder) => {
      if (order === 'close') return resolve()
      drain.accept(order)
      // A database that is locked holds this thread up, timers included: what waits is told as soon as it is known.
      tellStanding(drain)
    })
  })
}

run()
  .catch((error) => {
    const message = `database.url: ${error instanceof Error ? error.message : String(error)}`
    tell({ news: 'refused', message, mayPass: isUnavailable(error) })
  })
  .finally(() => port.close())
