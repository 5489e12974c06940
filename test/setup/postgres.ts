import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/store/migrate.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { isLong } from './form.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Answers with the URL of the cluster's `template_tollgate`, starting it when first asked; null without Postgres. */
    postgresDoor: string | null
  }
}

/** A Postgres server with nothing in it but an empty, migrated database. */
export interface Cluster {
  readonly templateUrl: string
  /** Of the server, whose children serve the connections. */
  readonly processId: number
  stop(): Promise<void>
}

/** Offers the suites one throw-away cluster, which costs nothing until the first of them asks. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binaries = findBinaries()
  if (binaries === null) {
    const skipped = 'PostgreSQL is not installed: suites run on SQLite only'
    if (isLong) throw new Error(skipped)
    console.warn(skipped)
    project.provide('postgresDoor', null)
    return async () => {}
  }

  let cluster: Promise<Cluster> | null = null
  const door = createServer(async (_request, response) => {
    // A kept connection may be closed at the very moment in which it is used again.
    response.setHeader('connection', 'close')
    cluster ??= startCluster(binaries)
    await cluster.then(
      ({ templateUrl }) => response.end(templateUrl),
      (error) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  project.provide('postgresDoor', `http://127.0.0.1:${(door.address() as AddressInfo).port}/`)

  return async () => {
    door.close()
    await cluster?.then(
      ({ stop }) => stop(),
      () => {},
    )
  }
}

/** Null without Postgres. The folder of `initdb` and `postgres`: on the path, or the newest of Debian's. */
export function findBinaries(): string | null {
  const onPath = (process.env.PATH ?? '').split(delimiter)
  const ofDebian = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => versionOf(b) - versionOf(a))
  const holds = (folder: string) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))
  return [...onPath, ...ofDebian].find(holds) ?? null
}

function versionOf(binaries: string): number {
  return Number(/(\d+)\/bin$/.exec(binaries)?.[1] ?? 0)
}

/** Starts a server in a folder of its own; takes some seconds. Whoever started it stops it. */
export async function startCluster(binaries: string): Promise<Cluster> {
  const owner = clusterOwner()
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'))
  if (owner !== null) chownSync(folder, owner.uid, owner.gid)
  const options = { ...owner, cwd: folder }
  const initOptions = ['--auth=trust', '--username=tollgate', '--encoding=UTF8', '--locale=C', '--no-sync']
  execFileSync(join(binaries, 'initdb'), ['-D', join(folder, 'data'), ...initOptions], {
    ...options,
    stdio: 'pipe',
  })

  const port = await freePort()
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'fsync=off',
    'full_page_writes=off',
  ]
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', join(folder, 'data'), '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const kill = () => server.kill('SIGQUIT')
  process.once('exit', kill)

  async function stop() {
    server.kill('SIGQUIT')
    await ended
    process.removeListener('exit', kill)
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    await isReady(server.stderr, ended)
    const templateUrl = await makeTemplate(`postgres://tollgate@127.0.0.1:${port}`)
    return { templateUrl, processId: server.pid ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Postgres refuses to run as root: then it runs as the user of Debian's package. */
function clusterOwner(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createTcpServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

/** Resolves at the server's line that says so; throws its log when it ends before. */
async function isReady(log: Readable, ended: Promise<void>): Promise<void> {
  let text = ''
  const ready = new Promise<void>((resolve) => {
    log.on('data', (chunk) => {
      if (text.length < 10_000) text += chunk
      if (text.includes('ready to accept connections')) resolve()
    })
  })
  const failed = ended.then(() => {
    throw new Error(`PostgreSQL did not start:\n${text}`)
  })
  await Promise.race([ready, failed])
}

/** A migrated database to copy for each test: copying takes a fraction of migrating. */
async function makeTemplate(clusterUrl: string): Promise<string> {
  const maintenance = openPostgres(`${clusterUrl}/postgres`)
  await sql`create database template_tollgate`.execute(maintenance.read)
  await maintenance.close()
  const templateUrl = `${clusterUrl}/template_tollgate`
  const template = openPostgres(templateUrl)
  await migrate(template)
  await template.close()
  return templateUrl
}
