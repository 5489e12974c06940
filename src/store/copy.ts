import { type Kysely, sql, type Transaction } from 'kysely'
import { bulkInsert } from './bulk.ts'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'
import { type ColumnName, type SqlValue, type TableName, tableNames, tables } from './tables.ts'

/** How many rows a table has on either side. */
export interface TableCount {
  readonly table: string
  readonly source: number
  readonly target: number
}

export type Copied =
  | { readonly counts: readonly TableCount[] }
  /** The target has rows of its own, in this table; nothing was changed. */
  | { readonly occupied: string }

/** Called after each batch; `total` is what the table had when its copying began. */
export type CopyProgress = (table: string, copied: number, total: number) => void

const batchRows = 1_000

/**
 * Copies every row of every table into a database that has none, in one transaction. Both must have been brought
 * up to date, and nothing should write to the source: a row written meanwhile may be missing, which the counts
 * then show.
 */
export async function copyAll(from: Database, to: Database, progress: CopyProgress): Promise<Copied> {
  const occupied = await to.transaction(async (target) => {
    for (const table of tableNames) {
      if (table !== 'installation' && (await countRows(target, table)) > 0) return table
    }
    // A migrated database has the installation's row: the source's takes its place.
    await target.deleteFrom('installation').execute()
    for (const table of tableNames) await copyTable(from.read, target, to.kind, table, progress)
    return null
  })
  if (occupied !== null) return { occupied }

  const counts: TableCount[] = []
  for (const table of tableNames) {
    counts.push({ table, source: await countRows(from.read, table), target: await countRows(to.read, table) })
  }
  return { counts }
}

async function copyTable<Table extends TableName>(
  source: Kysely<Schema>,
  target: Transaction<Schema>,
  kind: Database['kind'],
  table: Table,
  progress: CopyProgress,
): Promise<void> {
  const columns = Object.keys(tables[table].columns) as ColumnName<Table>[]
  const total = await countRows(source, table)
  let copied = 0
  for await (const rows of pages(source, table)) {
    const values = rows.map((row) => columns.map((column) => row[column] ?? null))
    await bulkInsert(target, kind, table, columns, values)
    copied += rows.length
    progress(table, copied, total)
  }
}

type Row = Readonly<Record<string, SqlValue>>

/** A table in the order of its primary key; a page begins after the last key of the page before. */
async function* pages(source: Kysely<Schema>, table: TableName): AsyncGenerator<readonly Row[]> {
  const key = tables[table].primaryKey as readonly string[]
  const keyColumns = sql.join(key.map((column) => sql.ref(column)))
  let after = sql``
  for (;;) {
    const query = sql<Row>`select * from ${sql.table(table)} ${after} order by ${keyColumns} limit ${batchRows}`
    const { rows } = await query.execute(source)
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    after = sql`where (${keyColumns}) > (${sql.join(key.map((column) => last[column]))})`
  }
}

async function countRows(database: Kysely<Schema>, table: TableName): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(
    database,
  )
  return rows[0]?.count ?? 0
}
