import { type Kysely, sql } from 'kysely'
import { collation, isPostgres } from './dialect.ts'

/** A question mark: null is allowed. */
export type ColumnDefinition = 'text' | 'text?' | 'bigint' | 'bigint?'

export interface TableDefinition {
  readonly columns: Readonly<Record<string, ColumnDefinition>>
  readonly primaryKey: readonly string[]
  /** SQLite keeps the rows within the primary key's index, instead of each row there and here. */
  readonly isClustered?: true
}

export interface IndexDefinition {
  readonly table: string
  readonly columns: readonly string[]
  readonly unique?: true
  /** Rows outside of the condition are not in the index. */
  readonly where?: string
}

export async function createTable(
  database: Kysely<unknown>,
  name: string,
  table: TableDefinition,
): Promise<void> {
  const text = sql`text ${collation(database)}`
  let statement = database.schema.createTable(name)
  for (const [column, definition] of Object.entries(table.columns)) {
    const type = definition.startsWith('text') ? text : 'bigint'
    statement = statement.addColumn(column, type, (it) => (definition.endsWith('?') ? it : it.notNull()))
  }
  if (table.isClustered && !isPostgres(database)) statement = statement.modifyEnd(sql`without rowid`)
  await statement.addPrimaryKeyConstraint(`${name}_primary`, [...table.primaryKey] as never).execute()
}

export async function createIndex(
  database: Kysely<unknown>,
  name: string,
  index: IndexDefinition,
): Promise<void> {
  let statement = database.schema
    .createIndex(name)
    .on(index.table)
    .columns([...index.columns])
  if (index.unique) statement = statement.unique()
  if (index.where) statement = statement.where(sql<boolean>`${sql.raw(index.where)}`)
  await statement.execute()
}
