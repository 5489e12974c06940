import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns'
import { setTimeout as wait } from 'node:timers/promises'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type Deliverer, type DeliveryStanding, openDeliverer } from '../billing/deliverer.ts'
import type { DeliveryLimits } from '../billing/limits.ts'
import { openDeliverySweep } from '../billing/sweep.ts'
import { openClock } from '../config/clock.ts'
import { isFailure } from '../domain/failure.ts'
import { type InstanceId, ulidSource } from '../domain/ids.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import { type DrainEvent, type DrainStanding, openDrain } from '../ledger/drain.ts'
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
import { type DatabaseLocation, openDatabase } from '../store/open.ts'
import { openSqliteWriter } from '../store/sqlite-writer.ts'
import { deriveKeyring } from '../tenancy/sealing/keyring.ts'
import { type EgressRules, openEgress } from '../upstream/egress.ts'

/** What the background thread is started with. */
export interface BackgroundData {
  readonly database: DatabaseLocation
  readonly dataDirectory: string
  readonly instance: InstanceId
  readonly testClockFile: string | null
  readonly retireAfterMs: number
  readonly eventsKeptMs: number
  readonly auditKeptMs: number
  readonly deliveriesKeptMs: number
  readonly deadLettersKeptMs: number
  readonly attemptsKeptMs: number
  readonly refusalsKeptMs: number
  readonly bucketsKeptMs: number
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
  | {
      readonly news: 'standing'
      readonly standing: DrainStanding
      /** Null before deliveries have begun. */
      readonly deliveries: DeliveryStanding | null
    }
  | { readonly news: 'drain'; readonly event: DrainEvent }
  | { readonly news: 'trouble'; readonly message: string }
  | { readonly news: 'closed'; readonly isDrained: boolean }

/** What it is told: the spool's messages, once how to deliver events, and last of all to close. */
export type BackgroundOrder = SpoolMessage | DeliverOrder | 'close'

/** Comes when there is a master key, and the webhooks of the file are in the database. */
export interface DeliverOrder {
  readonly deliver: {
    readonly masterKey: string
    readonly egress: EgressRules
    readonly limits: DeliveryLimits
  }
}

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
  const database = await openHere(data.database)
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

  const begun: { deliverer: Deliverer | null } = { deliverer: null }
  const tellStanding = () =>
    tell({ news: 'standing', standing: drain.standing(), deliveries: begun.deliverer?.standing() ?? null })
  const directory = spoolDirectory(data.dataDirectory)
  const drain = openDrain({
    database,
    directory,
    instance,
    threads: 1,
    files: spoolFiles,
    onEvent: (event) => tell({ news: 'drain', event }),
    onStored({ hasWaiting }) {
      if (hasWaiting) begun.deliverer?.kick()
    },
  })
  const recovered = await recover({ database, directory, instance, drain, files: spoolFiles, now: clock() })
  for await (const charges of readOpenCharges(database, clock())) tell({ news: 'charges', charges })
  const { deliveriesKeptMs, deadLettersKeptMs } = data
  const deliverySweep = openDeliverySweep({
    database,
    clock,
    deliveriesKeptMs,
    deadLettersKeptMs,
    onError: trouble,
  })
  const { eventsKeptMs, auditKeptMs, attemptsKeptMs, refusalsKeptMs, bucketsKeptMs } = data
  const sweep = openSweep({
    database,
    clock,
    eventsKeptMs,
    auditKeptMs,
    attemptsKeptMs,
    refusalsKeptMs,
    bucketsKeptMs,
    onError: trouble,
  })
  const standing = repeat(standingEveryMs, async () => tellStanding(), trouble)
  tell({ news: 'ready', recovered, migrated: migrated.migrated, watermarkAt: joined.joined.watermarkAt })

  await untilClosed((order) => {
    if ('deliver' in order) {
      begun.deliverer = startDeliveries(database, clock, order)
      return
    }
    drain.accept(order)
    // A database that is locked holds this thread up, timers included: what waits is told as soon as it is known.
    tellStanding()
  })
  await Promise.race([drain.idle(), wait(lastDrainMs)])
  const isDrained = drain.standing().waitingSegments === 0
  await Promise.all([standing.close(), sweep.close(), deliverySweep.close(), begun.deliverer?.close()])
  await drain.close()
  await joined.joined.close(isDrained).catch(trouble)
  await database.close()
  tell({ news: 'closed', isDrained })
}

async function openHere(location: DatabaseLocation): Promise<Database> {
  if (location.kind === 'postgres') return openDatabase(location, { connections: 3 })
  const writer = openSqliteWriter(location.path)
  if (data.writerPort !== null) writer.serve(data.writerPort)
  return { ...writer.database, close: () => writer.close() }
}

async function refuse(database: Database, message: string): Promise<void> {
  await database.close()
  tell({ news: 'refused', message, mayPass: false })
}

function startDeliveries(
  database: Database,
  clock: Clock,
  { deliver: { masterKey, egress, limits } }: DeliverOrder,
): Deliverer {
  const door = openEgress(egress, lookup)
  if (isFailure(door)) throw new Error('rules of egress that the main thread took are none')
  const { instance } = data
  return openDeliverer({
    database,
    instance,
    keyring: deriveKeyring(masterKey),
    egress: door,
    clock,
    newUlid: ulidSource(),
    newUuid: randomUUID,
    limits,
    onError: trouble,
  })
}

/** Hands on what the main thread says until it says to close. */
function untilClosed(take: (order: Exclude<BackgroundOrder, 'close'>) => void): Promise<void> {
  return new Promise((resolve) => {
    port?.on('message', (order: BackgroundOrder) => (order === 'close' ? resolve() : take(order)))
  })
}

run()
  .catch((error) => {
    const message = `database.url: ${error instanceof Error ? error.message : String(error)}`
    tell({ news: 'refused', message, mayPass: isUnavailable(error) })
  })
  .finally(() => port.close())
