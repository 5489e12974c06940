import { CompiledQuery, type RawBuilder, sql, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import type { RollupTable, Schema } from './schema.ts'
import { eachRow } from './sqlite-dialect.ts'
import { type ColumnName, type SqlValue, type TableName, tables } from './tables.ts'

type Row = readonly SqlValue[]

/**
 * Inserts many rows, given as values in the order of `columns`. One message to SQLite's thread, one statement on
 * Postgres, however many they are; thousands at a time are fine.
 */
export async function bulkInsert<Table extends TableName>(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  table: Table,
  columns: readonly ColumnName<Table>[],
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return
  const into = sql`insert into ${sql.table(table)} (${names(columns)})`
  if (kind === 'sqlite') await runEach(transaction, sql`${into} values (${blanks(columns)})`, rows)
  else await sql`${into} select * from ${unnested(table, columns, rows)}`.execute(transaction)
}

/** Deletes the rows whose `column` has one of the values. */
export async function bulkDelete<Table extends TableName>(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  table: Table,
  column: ColumnName<Table>,
  values: readonly SqlValue[],
): Promise<void> {
  if (values.length === 0) return
  const rows = values.map((value) => [value])
  const from = sql`delete from ${sql.table(table)} where ${sql.ref(column)}`
  if (kind === 'sqlite') await runEach(transaction, sql`${from} = ${null}`, rows)
  else await sql`${from} in (select * from ${unnested(table, [column], rows)})`.execute(transaction)
}

const rollupColumns = ['counter', 'generation', 'starts_at', 'ends_at', 'used_whole', 'used_pico'] as const

/**
 * Adds what counters were charged to what they had in the same generation and period, or begins it.
 *
 * Amounts are carried quantities of either sign, and so is the stored total after each addition: the picodollars
 * stay below 1,000,000 and never have the other sign than the microdollars. No two rows may be of one counter,
 * generation and period.
 */
export async function addToRollups(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  rows: readonly RollupTable[],
): Promise<void> {
  if (rows.length === 0) return
  const values = rows.map((row) => rollupColumns.map((column) => row[column]))
  const into = sql`insert into rollups (${names(rollupColumns)})`
  if (kind === 'sqlite') {
    await runEach(transaction, sql`${into} values (${blanks(rollupColumns)}) ${addedOnConflict}`, values)
  } else {
    // In one order on every instance: two that met the same rows in different orders would lock each other out.
    const given = sql`select * from ${unnested('rollups', rollupColumns, values)} order by 1, 2, 3`
    await sql`${into} ${given} ${addedOnConflict}`.execute(transaction)
  }
}

/** Division and remainder of both databases cut towards zero; `borrowed` mends a rest of the other sign. */
const picoSum = sql`(rollups.used_pico + excluded.used_pico)`
const whole = sql`(rollups.used_whole + excluded.used_whole + ${picoSum} / 1000000)`
const rest = sql`(${picoSum} % 1000000)`
const borrowed = sql`case when ${whole} > 0 and ${rest} < 0 then 1 when ${whole} < 0 and ${rest} > 0 then -1 else 0 end`
const addedOnConflict = sql`on conflict (counter, generation, starts_at) do update set
  used_whole = ${whole} - ${borrowed}, used_pico = ${rest} + 1000000 * ${borrowed}`

/** The rows as a table of Postgres, one parameter for each column. */
function unnested<Table extends TableName>(
  table: Table,
  columns: readonly ColumnName<Table>[],
  rows: readonly Row[],
): RawBuilder<unknown> {
  const types: Record<string, 'text' | 'bigint'> = tables[table].columns
  const arrays = columns.map((column, index) => {
    const values = rows.map((row) => row[index])
    return types[column] === 'text' ? sql`${values}::text[]` : sql`${integers(values)}::bigint[]`
  })
  return sql`unnest(${sql.join(arrays)})`
}

/** An array of integers as Postgres reads it. The driver's own way quotes and escapes each. */
function integers(values: readonly (SqlValue | undefined)[]): string {
  return `{${values.map((value) => value ?? 'null').join(',')}}`
}

async function runEach(
  transaction: Transaction<Schema>,
  statement: RawBuilder<unknown>,
  rows: readonly Row[],
) {
  const { sql: text, queryId } = statement.compile(transaction)
  await transaction.executeQuery({ ...CompiledQuery.raw(text), queryId, query: eachRow, parameters: rows })
}

function names(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql.ref(column)))
}

function blanks(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map(() => sql`${null}`))
}
