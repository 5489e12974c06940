import { setTimeout as wait } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { DeliveryStanding } from '../billing/deliverer.ts'
import type { EpochMs } from '../domain/time.ts'
import type { DrainStanding } from '../ledger/drain.ts'
import type { SpoolMessage } from '../ledger/segment.ts'
import type { Charge } from '../limits/plan.ts'
import type { Database } from '../store/database.ts'
import { openDatabase } from '../store/open.ts'
import { connectSqlite } from '../store/sqlite-remote.ts'
import { startSqliteThread } from '../store/start-sqlite-thread.ts'
import type { Log } from '../telemetry/log.ts'
import type { BackgroundData, BackgroundNews, BackgroundOrder, DeliverOrder } from './background.ts'

/** The main thread's hold on the background thread, and its database. */
export interface Background {
  readonly database: Database
  /** The instance's watermark at this start: no settlement may be dated earlier. */
  readonly watermarkAt: EpochMs
  tell(message: SpoolMessage): void
  /** How the drain stood a moment ago. */
  standing(): DrainStanding
  /** Begins to post events to receivers. Once. */
  deliver(order: DeliverOrder['deliver']): void
  /** How that stood a moment ago; null before it has begun. */
  deliveries(): DeliveryStanding | null
  /** Waits, within limits, until what the spool told is stored. */
  close(): Promise<void>
}

export type BackgroundOptions = Omit<BackgroundData, 'writerPort'>

/** Why the gateway cannot start, and whether that may pass by itself. */
export interface Refusal {
  readonly refused: string
  readonly mayPass: boolean
}

const closeLimitMs = 15_000
/** The main thread's statements are few rows each, and somebody waits for them: sooner a 503 than silence. */
const statementTimeoutMs = 10_000

/**
 * Starts the background thread and waits until it has made good for what an earlier process left. What counters had
 * been charged comes through `onCharges` before that. `refused` says why the gateway cannot start.
 */
export async function openBackground(
  options: BackgroundOptions,
  log: Log,
  onCharges: (charges: readonly Charge[]) => void,
): Promise<Background | Refusal> {
  const channel = options.database.kind === 'sqlite' ? new MessageChannel() : null
  const worker = new Worker(new URL('./background.ts', import.meta.url), {
    workerData: { ...options, writerPort: channel?.port2 ?? null } satisfies BackgroundData,
    transferList: channel === null ? [] : [channel.port2],
  })
  const start = Promise.withResolvers<Refusal | null>()
  const closed = Promise.withResolvers<void>()
  let standing: DrainStanding = { waitingSegments: 0, waitingBytes: 0, oldestAt: null, problem: null }
  let deliveries: DeliveryStanding | null = null
  let watermarkAt: EpochMs = 0
  let isClosing = false

  worker.on('error', start.reject)
  worker.on('exit', (code) => {
    start.reject(new Error(`the background thread ended with ${code}`))
    closed.resolve()
    if (isClosing) return
    log.fatal({ code }, 'the background thread is gone: the process ends, and loses nothing by it')
    setImmediate(() => process.exit(70))
  })
  worker.on('message', (news: BackgroundNews) => {
    switch (news.news) {
      case 'charges':
        return onCharges(news.charges)
      case 'ready':
        watermarkAt = news.watermarkAt
        if (news.migrated.length > 0)
          log.info({ migrations: news.migrated }, 'brought the database up to date')
        if (news.recovered.segments > 0) log.warn(news.recovered, 'made good for a process that died')
        return start.resolve(null)
      case 'refused':
        isClosing = true
        return start.resolve({ refused: news.message, mayPass: news.mayPass })
      case 'standing':
        standing = news.standing
        deliveries = news.deliveries
        return
      case 'drain':
        return log.warn(news.event, 'the drain of the spool')
      case 'trouble':
        return log.warn({ problem: news.message }, 'in the background')
      case 'closed':
        if (!news.isDrained) log.warn('not all of the spool is stored: the next start goes on')
        return closed.resolve()
    }
  })
  const refused = await start.promise
  if (refused !== null) {
    // The thread would wait for the other end of the writer's port.
    await worker.terminate()
    return refused
  }

  const database = await connect(options, channel)
  const order = (message: BackgroundOrder): void => worker.postMessage(message)
  return {
    database,
    watermarkAt,
    tell: order,
    standing: () => standing,
    deliver: (deliver) => order({ deliver }),
    deliveries: () => deliveries,
    async close() {
      isClosing = true
      await database.close()
      order('close')
      await Promise.race([closed.promise, wait(closeLimitMs, undefined, { ref: false })])
      await worker.terminate()
    },
  }
}

/** The main thread's own way to the database. */
async function connect({ database }: BackgroundOptions, channel: MessageChannel | null): Promise<Database> {
  if (database.kind === 'postgres' || channel === null) return openDatabase(database, { statementTimeoutMs })
  const reader = await startSqliteThread(database.path, 'read')
  const connected = connectSqlite({ writer: channel.port1, reader: reader.port })
  return {
    ...connected,
    async close() {
      await connected.close()
      await reader.ended
    },
  }
}
