import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { ulid } from 'ulid'
import { inject } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { type DatabaseLocation, parseDatabaseUrl } from '../../src/store/open.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { openSqliteWriter } from '../../src/store/sqlite-writer.ts'
import { temporaryFolder } from './folders.ts'
import { isLong } from './form.ts'

/** One empty, migrated database of its own. */
export interface TestPlace {
  /** As `--database-url` takes it. */
  readonly url: string
  /** As commands open it. Each call is one more instance on the same database. */
  open(): Promise<Database>
  /** Reads what is stored, whoever else has it open: on this thread, for threads of its own take longer than reading. */
  look<Found>(work: (read: Database['read']) => Promise<Found>): Promise<Found>
  /** Once everything that was opened is closed. */
  remove(): Promise<void>
}

export interface TestDatabases {
  readonly name: 'SQLite' | 'Postgres'
  /** An empty, migrated database, for this thread alone where it is SQLite. Closing it removes it. */
  open(): Promise<Database>
  create(): Promise<TestPlace>
}

/** Where the short form is content with one: the long form tries it on all of them. */
export function mostDatabases(): readonly TestDatabases[] {
  return isLong ? databases() : databases().slice(0, 1)
}

/** What a suite runs on: `describe.each(databases())('… on $name', ({ open }) => …)`. */
export function databases(): readonly TestDatabases[] {
  return inject('postgresDoor') === null ? [sqlite] : [sqlite, postgres]
}

const sqlite: TestDatabases = {
  name: 'SQLite',
  async open() {
    const place = await createSqlite()
    return removedOnClose(openSqliteWriter(place.path).database, place)
  },
  create: createSqlite,
}

const postgres: TestDatabases = {
  name: 'Postgres',
  async open() {
    const place = await createPostgres()
    return removedOnClose(openPostgres(place.url), place)
  },
  create: createPostgres,
}

function removedOnClose(database: Database, place: TestPlace): Database {
  return {
    ...database,
    async close() {
      await database.close()
      await place.remove()
    },
  }
}

async function createSqlite(): Promise<TestPlace & { readonly path: string }> {
  const folder = await migratedFolder()
  const path = join(folder, 'tollgate.db')
  return {
    path,
    ...placeAt(`sqlite:${path}`),
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A new folder with the database that a gateway keeps there, migrated and empty: making its tables takes a tenth of a start. */
export async function migratedFolder(): Promise<string> {
  const bytes = await migratedFile()
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'tollgate.db'), bytes)
  return folder
}

function migratedFile(): Promise<Buffer> {
  migrated ??= makeMigratedFile()
  return migrated
}

let migrated: Promise<Buffer> | null = null

async function makeMigratedFile(): Promise<Buffer> {
  const path = join(temporaryFolder(), 'tollgate.db')
  const { database } = openSqliteWriter(path)
  await migrate(database)
  await database.close()
  return readFileSync(path)
}

async function createPostgres(): Promise<TestPlace> {
  const door = inject('postgresDoor')
  if (door === null) throw new Error('PostgreSQL is not installed')
  const answer = await fetch(door)
  const templateUrl = await answer.text()
  if (!answer.ok) throw new Error(templateUrl)

  const name = `test_${ulid().toLowerCase()}`
  const maintain = async (statement: ReturnType<typeof sql>) => {
    const maintenance = openPostgres(templateUrl.replace(/[^/]*$/, 'postgres'), { connections: 1 })
    await statement.execute(maintenance.read).finally(() => maintenance.close())
  }
  // The template's pages need not go through the log one by one: that takes twice as long.
  await maintain(sql`create database ${sql.id(name)} template template_tollgate strategy file_copy`)
  const place = placeAt(templateUrl.replace(/[^/]*$/, name))
  let looking: Database | null = null
  return {
    ...place,
    // Whoever waits for something looks many times a second.
    look(work) {
      looking ??= openPostgres(place.url)
      return work(looking.read)
    },
    async remove() {
      await looking?.close()
      await maintain(sql`drop database ${sql.id(name)} with (force)`)
    },
  }
}

/** A database that somebody else has made, and will remove. */
export function placeAt(url: string): Omit<TestPlace, 'remove'> {
  return {
    url,
    open: async () => openOnThisThread(url),
    async look(work) {
      const { read, close } = openOnThisThread(url)
      return work(read).finally(close)
    },
  }
}

/** As it is, made where there is none: SQLite without the threads that take longer to start than most tests' work. */
export function openOnThisThread(url: string): Database {
  const location = locationOf(url)
  return location.kind === 'sqlite' ? openSqliteWriter(location.path).database : openPostgres(location.url)
}

function locationOf(url: string): DatabaseLocation {
  const location = parseDatabaseUrl(url)
  if ('failure' in location) throw new Error(`not a database: ${url}`)
  return location
}
