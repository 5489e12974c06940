import { once } from 'node:events'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { SqliteAccess } from './sqlite-connection.ts'
import type { SqliteThreadData } from './sqlite-thread.ts'

/** A thread that serves one connection. */
export interface SqliteThread {
  /** Answers what `connectSqlite` asks. The thread ends when this port closes. */
  readonly port: MessagePort
  /** Resolves when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>
}

/** Starts a thread with a connection of its own. Throws what opening the file threw. */
export async function startSqliteThread(path: string, access: SqliteAccess): Promise<SqliteThread> {
  const { port1: ours, port2: theirs } = new MessageChannel()
  const worker = new Worker(new URL('./sqlite-thread.ts', import.meta.url), {
    workerData: { path, access, port: theirs } satisfies SqliteThreadData,
    transferList: [theirs],
  })
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  await once(worker, 'message')
  return { port: ours, ended }
}
