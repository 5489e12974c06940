import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import type { Database } from './database.ts'
import { openInstance } from './instance.fixture.ts'
import { migrate } from './migrate.ts'
import { tableNames } from './tables.ts'

/** A database as it is before its first start. */
async function empty(database: Database): Promise<void> {
  await database.transaction(async (transaction) => {
    for (const table of [...tableNames, 'kysely_migration', 'kysely_migration_lock']) {
      await sql`drop table ${sql.table(table)}`.execute(transaction)
    }
  })
}

describe.each(databases())('migrations on $name', ({ open, create }) => {
  it('run once, and begin the installation at revision 0', async () => {
    const database = await open()
    await empty(database)
    expect(await migrate(database)).toEqual({ migrated: ['0001-foundation', '0002-governance'] })
    expect(await database.read.selectFrom('installation').selectAll().execute()).toEqual([
      { id: 1, revision: 0 },
    ])
    expect(await migrate(database)).toEqual({ migrated: [] })
    await database.close()
  })

  it('of instances that start at once run once', async () => {
    const place = await create()
    const instances = await Promise.all([1, 2, 3].map(() => openInstance(place)))
    await empty(instances[0]!)
    const outcomes = await Promise.all(instances.map(migrate))
    const ran = outcomes.flatMap((outcome) => ('migrated' in outcome ? outcome.migrated : ['newer']))
    expect(ran).toEqual(['0001-foundation', '0002-governance'])
    for (const instance of instances) await instance.close()
    await place.remove()
  })

  it('of a newer release are refused by name', async () => {
    const database = await open()
    await database.transaction((it) =>
      sql`insert into kysely_migration (name, timestamp) values ('9000-later', '2030-01-01')`.execute(it),
    )
    expect(await migrate(database)).toEqual({ newerMigrations: ['9000-later'] })
    await database.close()
  })
})
