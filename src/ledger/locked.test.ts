import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { isLong } from '../../test/setup/form.ts'
import { openSqliteWriter } from '../store/sqlite-writer.ts'
import { segmentOf, settlement, tablesOf, temporaryPlace, testDrain } from './ledger.fixture.ts'

/** Longer than SQLite itself waits, in the long form: then the drain has to try again. */
const holdMs = isLong ? 6000 : 300

const program = `
  import { DatabaseSync } from 'node:sqlite'
  const database = new DatabaseSync(process.argv[1])
  database.exec('begin immediate')
  console.log('locked')
  setTimeout(() => database.exec('rollback'), ${holdMs})
`

for (const { name, create } of databases()) {
  test(`${name} locked by another process delays the drain, and costs nothing`, async () => {
    const data = await create()
    const place = temporaryPlace()
    const path = data.url.replace('sqlite:', '')
    const database = name === 'SQLite' ? openSqliteWriter(path).database : await data.open()
    const drain = testDrain(database, place.directory)
    const message = await segmentOf(place.directory, [settlement('a1'), settlement('a2')])

    let freed: Promise<unknown>
    if (name === 'SQLite') {
      const locker = spawn(process.execPath, ['--input-type=module', '-e', program, path])
      freed = once(locker, 'exit')
      await once(locker.stdout, 'data')
    } else {
      const locker = await data.open()
      await new Promise<void>((locked) => {
        const held = locker.transaction(async (transaction) => {
          await sql`lock table usage_events in access exclusive mode`.execute(transaction)
          locked()
          await new Promise((resolve) => setTimeout(resolve, 300))
        })
        freed = held.then(() => locker.close())
      })
    }
    drain.accept(message)
    await drain.idle()
    await freed!
    expect((await tablesOf(database)).eventIds).toEqual(['a1', 'a2'])
    const expected = name === 'SQLite' && isLong ? ['stopped', 'resumed'] : []
    expect(drain.events).toEqual(expected.map((event) => expect.objectContaining({ event })))

    await drain.close()
    await database.close()
    await data.remove()
    place.remove()
  })
}
