import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { isLong } from '../../test/setup/form.ts'
import { bulkInsert } from './bulk.ts'
import { copyAll } from './copy.ts'
import type { Database } from './database.ts'
import { type ColumnName, type SqlValue, type TableName, tableNames, tables } from './tables.ts'

/** Rows of distinct keys; every second one has nulls wherever they are allowed. */
async function fill(database: Database, table: TableName, count: number): Promise<void> {
  const described = await database.read.introspection.getTables()
  const found = described.find((it) => it.name === table)!.columns
  const columns = Object.keys(tables[table].columns) as ColumnName<typeof table>[]
  const rows = Array.from({ length: count }, (_, index) =>
    columns.map((name): SqlValue => {
      const column = found.find((it) => it.name === name)!
      if (column.isNullable && index % 2 === 0) return null
      return column.dataType.toLowerCase() === 'text' ? `${name} é ${index % 7} ${index}` : index
    }),
  )
  await database.transaction((it) => bulkInsert(it, database.kind, table, columns, rows))
}

async function contents(database: Database, table: TableName): Promise<unknown[]> {
  const key = sql.join(tables[table].primaryKey.map((column) => sql.ref(column)))
  const { rows } = await sql`select * from ${sql.table(table)} order by ${key}`.execute(database.read)
  return rows
}

/** In the short form from each to another, where there is another. */
const ways = databases()
  .flatMap((from) => databases().map((to) => ({ from, to })))
  .filter(({ from, to }) => isLong || from !== to || databases().length === 1)

describe.each(ways)('a copy from $from.name to $to.name', ({ from, to }) => {
  it('has every row of every table', async () => {
    const [source, target] = [await from.open(), await to.open()]
    await source.transaction((it) => it.updateTable('installation').set({ revision: 7 }).execute())
    const rowsOf = (table: TableName) =>
      ({ installation: 1, usage_events: 2_345, grants: 1_000 })[table as string] ?? 3
    for (const table of tableNames) {
      if (table !== 'installation') await fill(source, table, rowsOf(table))
    }

    const seen: string[] = []
    const copied = await copyAll(source, target, (table, done, total) =>
      seen.push(`${table} ${done}/${total}`),
    )
    expect(copied).toEqual({
      counts: tableNames.map((table) => ({ table, source: rowsOf(table), target: rowsOf(table) })),
    })
    for (const table of tableNames)
      expect(await contents(target, table)).toEqual(await contents(source, table))
    expect(seen.filter((line) => line.startsWith('usage_events'))).toEqual([
      'usage_events 1000/2345',
      'usage_events 2000/2345',
      'usage_events 2345/2345',
    ])
    await source.close()
    await target.close()
  })

  it('is refused where the target has rows', async () => {
    const [source, target] = [await from.open(), await to.open()]
    await fill(source, 'settings', 2)
    await fill(target, 'keys', 1)
    expect(await copyAll(source, target, () => {})).toEqual({ occupied: 'keys' })
    expect(await contents(target, 'settings')).toEqual([])
    await source.close()
    await target.close()
  })
})
