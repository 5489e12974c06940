import { CompiledQuery, type RawBuilder, sql, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import { durationColumns, firstTokenColumns } from './histogram.ts'
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
  const into = () => sql`insert into ${sql.table(table)} (${names(columns)})`
  if (kind === 'sqlite')
    await runEach(
      transaction,
      textOf(transaction, `insert ${table}`, columns, () => sql`${into()} values (${blanks(columns)})`),
      rows,
    )
  else await sql`${into()} select * from ${unnested(table, columns, rows)}`.execute(transaction)
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
  if (kind === 'sqlite') await runEach(transaction, sql`${from} = ${null}`.compile(transaction).sql, rows)
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
export function addToRollups(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  rows: readonly RollupTable[],
): Promise<void> {
  const values = rows.map((row) => rollupColumns.map((column) => row[column]))
  return bulkUpsert(transaction, kind, 'rollups', rollupColumns, values, rollupAdded)
}

/** The columns of `usage_buckets`, in the order in which `addToBuckets` takes their values. */
const bucketColumns = [
  'workspace_id',
  'starts_at',
  'node_id',
  'key_id',
  'provider',
  'model',
  'outcome',
  'calls',
  'estimated_calls',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'cost_whole',
  'cost_pico',
  ...durationColumns,
  ...firstTokenColumns,
] as const

/** Adds calls to the buckets that they belong to, or begins these. Costs are carried quantities. No bucket twice. */
export function addToBuckets(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  rows: readonly Row[],
): Promise<void> {
  return bulkUpsert(transaction, kind, 'usage_buckets', bucketColumns, rows, bucketAdded)
}

/** The columns of `refusal_counts`, in the order in which `addToRefusalCounts` takes their values. */
const refusalCountColumns = [
  'workspace_id',
  'starts_at',
  'key_id',
  'model',
  'counter',
  'node_id',
  'calls',
] as const

/** Adds refused calls to the minutes that they belong to. No key, model, counter and minute twice. */
export function addToRefusalCounts(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  rows: readonly Row[],
): Promise<void> {
  const added = { calls: sum('refusal_counts', 'calls') }
  return bulkUpsert(transaction, kind, 'refusal_counts', refusalCountColumns, rows, added)
}

const keyUseColumns = ['key_id', 'last_used_at'] as const

/** Says that keys were used at an instant, unless they were used later. No key twice. */
export function raiseKeyUses(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  rows: readonly Row[],
): Promise<void> {
  const [stored, given] = [sql.ref('key_uses.last_used_at'), sql.ref('excluded.last_used_at')]
  const latest = sql`case when ${given} > ${stored} then ${given} else ${stored} end`
  return bulkUpsert(transaction, kind, 'key_uses', keyUseColumns, rows, { last_used_at: latest })
}

type Assignments = Readonly<Record<string, RawBuilder<unknown>>>

/** Inserts rows; where one of the same primary key is there, it gets the assignments instead. No key twice. */
async function bulkUpsert<Table extends TableName>(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  table: Table,
  columns: readonly ColumnName<Table>[],
  rows: readonly Row[],
  assignments: Assignments,
): Promise<void> {
  if (rows.length === 0) return
  const key = names(tables[table].primaryKey)
  const into = sql`insert into ${sql.table(table)} (${names(columns)})`
  const onConflict = () => {
    const set = Object.entries(assignments).map(([column, value]) => sql`${sql.ref(column)} = ${value}`)
    return sql`on conflict (${key}) do update set ${sql.join(set)}`
  }
  if (kind === 'sqlite') {
    const upsert = () => sql`${into} values (${blanks(columns)}) ${onConflict()}`
    await runEach(transaction, textOf(transaction, `upsert ${table}`, columns, upsert), rows)
  } else {
    // In one order on every instance: two that met the same rows in different orders would lock each other out.
    const given = sql`select * from ${unnested(table, columns, rows)} as given (${names(columns)}) order by ${key}`
    await sql`${into} ${given} ${onConflict()}`.execute(transaction)
  }
}

/** By the columns that they fill, and by name: putting a text together costs as much as running it for fifty rows. */
const texts = new WeakMap<readonly string[], Map<string, string>>()

/** The text of a statement on SQLite, which is the same each time for the same name and columns. */
function textOf(
  transaction: Transaction<Schema>,
  name: string,
  columns: readonly string[],
  statement: () => RawBuilder<unknown>,
): string {
  const own = texts.get(columns) ?? new Map<string, string>()
  texts.set(columns, own)
  const text = own.get(name) ?? statement().compile(transaction).sql
  own.set(name, text)
  return text
}

function sum(table: string, column: string): RawBuilder<unknown> {
  return sql`${sql.ref(`${table}.${column}`)} + ${sql.ref(`excluded.${column}`)}`
}

/** As `sum`, where null stands for 0. */
function sumOfCells(table: string, column: string): RawBuilder<unknown> {
  const [stored, given] = [sql.ref(`${table}.${column}`), sql.ref(`excluded.${column}`)]
  return sql`coalesce(${stored} + ${given}, ${stored}, ${given})`
}

/**
 * The sum of two carried quantities. Division and remainder of both databases cut towards zero; `borrowed` mends a rest
 * of the other sign.
 */
function sumOfQuantities(table: string, wholeColumn: string, picoColumn: string): Assignments {
  const picoSum = sql`(${sum(table, picoColumn)})`
  const whole = sql`(${sum(table, wholeColumn)} + ${picoSum} / 1000000)`
  const rest = sql`(${picoSum} % 1000000)`
  const borrowed = sql`case when ${whole} > 0 and ${rest} < 0 then 1 when ${whole} < 0 and ${rest} > 0 then -1 else 0 end`
  return {
    [wholeColumn]: sql`${whole} - ${borrowed}`,
    [picoColumn]: sql`${rest} + 1000000 * ${borrowed}`,
  }
}

const rollupAdded = sumOfQuantities('rollups', 'used_whole', 'used_pico')

const bucketSums = [
  'calls',
  'estimated_calls',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
] as const

const bucketAdded: Assignments = {
  ...Object.fromEntries(bucketSums.map((column) => [column, sum('usage_buckets', column)])),
  ...sumOfQuantities('usage_buckets', 'cost_whole', 'cost_pico'),
  ...Object.fromEntries(
    [...durationColumns, ...firstTokenColumns].map((column) => [column, sumOfCells('usage_buckets', column)]),
  ),
}

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

async function runEach(transaction: Transaction<Schema>, text: string, rows: readonly Row[]): Promise<void> {
  await transaction.executeQuery({ ...CompiledQuery.raw(text), query: eachRow, parameters: rows })
}

function names(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql.ref(column)))
}

function blanks(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map(() => sql`${null}`))
}
