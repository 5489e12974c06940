import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openSqliteConnection, type SqliteAccess } from './sqlite-connection.ts'
import { serveSqlite } from './sqlite-port.ts'

/** What the thread is started with. */
export interface SqliteThreadData {
  readonly path: string
  readonly access: SqliteAccess
  readonly port: MessagePort
}

const { path, access, port } = workerData as SqliteThreadData
const connection = openSqliteConnection(path, access)
serveSqlite(connection, port)
port.once('close', () => void connection.close())
parentPort?.postMessage('ready')
