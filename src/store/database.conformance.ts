import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import { addToRollups, bulkDelete, bulkInsert } from './bulk.ts'
import type { Database } from './database.ts'
import { isUnavailable, uniqueViolation } from './errors.ts'
import { lockRow } from './lock-row.ts'
import type { RollupTable, SettingTable } from './schema.ts'
import { tableNames, tables } from './tables.ts'

/** Two ends of one empty, migrated database, as two threads or two instances hold them. */
export interface DatabasePair {
  readonly first: Database
  readonly second: Database
  close(): Promise<void>
}

const million = 1_000_000
const largest = Number.MAX_SAFE_INTEGER

/** What every implementation of the SQL port promises. */
export function conform(open: () => Promise<DatabasePair>): void {
  let ends: DatabasePair
  let database: Database

  beforeAll(async () => {
    ends = await open()
    database = ends.first
  })
  beforeEach(() =>
    database.transaction(async (transaction) => {
      for (const table of ['settings', 'rollups', 'keys', 'nodes', 'grants', 'open_holds'] as const) {
        await transaction.deleteFrom(table).execute()
      }
    }),
  )
  afterAll(() => ends.close())

  const put = (rows: readonly SettingTable[], into = database) =>
    into.transaction((transaction) =>
      transaction
        .insertInto('settings')
        .values([...rows])
        .execute(),
    )
  const settings = (from = database) => from.read.selectFrom('settings').selectAll().orderBy('key').execute()

  describe('values', () => {
    it('come back as they went in', async () => {
      const rows = ['', ' ', 'it\'s "quoted" \\ {a,b} NULL null', 'Zoë 🐝 \u{10FFFF}', 'a\tb\nc\r'].map(
        (value, index) => ({ key: `k${index}`, value }),
      )
      await put(rows)
      expect(await settings()).toEqual(rows)
      await database.transaction((transaction) => transaction.deleteFrom('settings').execute())
      await database.transaction((transaction) =>
        bulkInsert(
          transaction,
          database.kind,
          'settings',
          ['key', 'value'],
          rows.map((row) => [row.key, row.value]),
        ),
      )
      expect(await settings()).toEqual(rows)
    })

    it('keep integers exact to the last safe one, nulls null', async () => {
      const counts = [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 51 + 1, largest, -largest]
      const columns = ['id', 'instance_id', 'at', 'holds'] as const
      await database.transaction((transaction) =>
        bulkInsert(
          transaction,
          database.kind,
          'open_holds',
          columns,
          counts.map((at, index) => [`h${index}`, 'i', at, '[]']),
        ),
      )
      const read = await database.read.selectFrom('open_holds').select('at').orderBy('id').execute()
      expect(read.map((row) => row.at)).toEqual(counts)

      await database.transaction((transaction) =>
        bulkInsert(transaction, database.kind, 'nodes', nodeColumns, [node('a', null), node('b', largest)]),
      )
      const nodes = await database.read
        .selectFrom('nodes')
        .select(['id', 'deleted_at'])
        .orderBy('id')
        .execute()
      expect(nodes).toEqual([
        { id: 'a', deleted_at: null },
        { id: 'b', deleted_at: largest },
      ])
    })

    it('that no number holds exactly are refused, sums included', async () => {
      await put([
        { key: 'a', value: '' },
        { key: 'b', value: '' },
      ])
      const beyond = sql<number>`cast(9007199254740993 as bigint)`.as('beyond')
      await expect(database.read.selectFrom('settings').select(beyond).execute()).rejects.toThrow()
      const sum = sql<number>`sum(cast(${largest} as bigint))`.as('sum')
      await expect(database.read.selectFrom('settings').select(sum).execute()).rejects.toThrow()
      const half = database.read.selectFrom('settings').select(sum).where('key', '=', 'a')
      expect(await half.execute()).toEqual([{ sum: largest }])
    })

    it('compare by bytes, whatever the locale', async () => {
      const keys = ['a', 'B', 'Z', '_', 'é', 'z', '~', '0']
      await put(keys.map((key) => ({ key, value: '' })))
      const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect((await settings()).map((row) => row.key)).toEqual(byBytes)
      const after = await database.read.selectFrom('settings').select('key').where('key', '>', 'Z').execute()
      expect(after.map((row) => row.key).toSorted()).toEqual(['_', 'a', 'z', '~', 'é'].toSorted())
    })

    it('count and number of changed rows are numbers', async () => {
      await put([
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ])
      const count = database.read.selectFrom('settings').select((it) => it.fn.countAll<number>().as('count'))
      expect(await count.execute()).toEqual([{ count: 2 }])
      const changed = await database.transaction((transaction) =>
        transaction.updateTable('settings').set({ value: '3' }).where('key', '=', 'a').executeTakeFirst(),
      )
      expect(changed.numUpdatedRows).toBe(1n)
      const returned = await database.transaction((transaction) =>
        transaction.deleteFrom('settings').where('key', '=', 'a').returning('value').execute(),
      )
      expect(returned).toEqual([{ value: '3' }])
    })
  })

  describe('a transaction', () => {
    it('is seen by the others once it is committed, and not before', async () => {
      await database.transaction(async (transaction) => {
        await transaction.insertInto('settings').values({ key: 'a', value: '1' }).execute()
        expect(await settings()).toEqual([])
        expect(await settings(ends.second)).toEqual([])
        expect(await transaction.selectFrom('settings').selectAll().execute()).toEqual([
          { key: 'a', value: '1' },
        ])
      })
      expect(await settings()).toEqual([{ key: 'a', value: '1' }])
      expect(await settings(ends.second)).toEqual([{ key: 'a', value: '1' }])
    })

    it('that throws leaves nothing behind, and throws on what it threw', async () => {
      const thrown = new Error('no')
      const failed = database.transaction(async (transaction) => {
        await transaction.insertInto('settings').values({ key: 'a', value: '1' }).execute()
        throw thrown
      })
      await expect(failed).rejects.toBe(thrown)
      expect(await settings()).toEqual([])
      await put([{ key: 'b', value: '2' }])
      expect(await settings()).toEqual([{ key: 'b', value: '2' }])
    })

    it('returns what its work returned', async () => {
      expect(await database.transaction(async () => 7)).toBe(7)
    })

    it('cannot be used after its end', async () => {
      const kept = await database.transaction(async (transaction) => ({ transaction }))
      const late = kept.transaction.insertInto('settings').values({ key: 'late', value: '' })
      await expect(late.execute()).rejects.toThrow()
      expect(await settings()).toEqual([])
    })

    it('never loses an update of another, from either side', async () => {
      await put([{ key: 'n', value: '0' }])
      await insertNode(database, 'row')
      const increment = (from: Database) =>
        from.transaction(async (transaction) => {
          await lockRow(transaction, from.kind, 'nodes', 'row')
          const { value } = await transaction.selectFrom('settings').select('value').executeTakeFirstOrThrow()
          await transaction
            .updateTable('settings')
            .set({ value: String(Number(value) + 1) })
            .execute()
        })
      const all = Array.from({ length: 20 }, (_, index) =>
        increment(index % 2 === 0 ? ends.first : ends.second),
      )
      await Promise.all(all)
      expect(await settings()).toEqual([{ key: 'n', value: '20' }])
    })

    it('lets reads through while it is open', async () => {
      await put([{ key: 'a', value: '1' }])
      await database.transaction(async (transaction) => {
        await transaction.updateTable('settings').set({ value: '2' }).execute()
        expect(await settings(ends.second)).toEqual([{ key: 'a', value: '1' }])
      })
    })
  })

  describe('a broken uniqueness', () => {
    it('of a primary key names its columns', async () => {
      await put([{ key: 'a', value: '1' }])
      await expect(put([{ key: 'a', value: '2' }])).rejects.toSatisfy(
        (error) => uniqueViolation(error) === 'settings(key)' && !isUnavailable(error),
      )
      const grant = { owner_kind: 'node', owner_id: 'n', model: 'm', position: 0, revision: 1 }
      const twice = database.transaction((transaction) =>
        transaction.insertInto('grants').values([grant, grant]).execute(),
      )
      await expect(twice).rejects.toSatisfy(
        (error) => uniqueViolation(error) === 'grants(owner_kind, owner_id, model)',
      )
    })

    it('of an index with a condition names its columns, and holds only under the condition', async () => {
      const external = (id: string, deletedAt: number | null) => node(id, deletedAt, 'ext-(1)=(2)')
      const insert = (rows: (string | number | null)[][]) =>
        database.transaction((transaction) =>
          bulkInsert(transaction, database.kind, 'nodes', nodeColumns, rows),
        )
      await insert([
        external('a', 1),
        external('b', 2),
        external('c', null),
        node('d', null),
        node('e', null),
      ])
      await expect(insert([external('f', null)])).rejects.toSatisfy(
        (error) => uniqueViolation(error) === 'nodes(workspace_id, external_id)',
      )
    })

    it('is told apart from other errors', async () => {
      const missing = { key: 'a', value: null as unknown as string }
      await expect(put([missing])).rejects.toSatisfy(
        (error) => uniqueViolation(error) === null && !isUnavailable(error),
      )
      expect(uniqueViolation(null)).toBeNull()
      expect(isUnavailable(new Error('other'))).toBe(false)
    })
  })

  describe('many rows', () => {
    it('go in and out in one statement, none being nothing', async () => {
      const rows = Array.from({ length: 2_500 }, (_, index) => [`k${index}`, String(index)])
      await database.transaction(async (transaction) => {
        await bulkInsert(transaction, database.kind, 'settings', ['key', 'value'], rows)
        await bulkInsert(transaction, database.kind, 'settings', ['key', 'value'], [])
        await addToRollups(transaction, database.kind, [])
        await bulkDelete(transaction, database.kind, 'settings', 'key', [])
      })
      expect(await settings()).toHaveLength(2_500)
      await database.transaction((transaction) =>
        bulkDelete(transaction, database.kind, 'settings', 'key', [
          ...rows.slice(1).map((row) => row[0]!),
          'unknown',
        ]),
      )
      expect(await settings()).toEqual([{ key: 'k0', value: '0' }])
    })

    it('go in all or not at all', async () => {
      const rows = [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ]
      const failed = database.transaction((transaction) =>
        bulkInsert(transaction, database.kind, 'settings', ['key', 'value'], rows),
      )
      await expect(failed).rejects.toSatisfy((error) => uniqueViolation(error) === 'settings(key)')
      expect(await settings()).toEqual([])
    })
  })

  describe('rollups', () => {
    const rollup = (used_whole: number, used_pico: number, counter = 'c'): RollupTable => ({
      counter,
      generation: 0,
      starts_at: 0,
      ends_at: 86_400_000,
      used_whole,
      used_pico,
    })
    const add = (...rows: RollupTable[]) =>
      database.transaction((transaction) => addToRollups(transaction, database.kind, rows))
    const totals = () =>
      database.read.selectFrom('rollups').selectAll().orderBy('counter').orderBy('starts_at').execute()

    it.each([10_000, 10_000_000])('add one pico a thousand times to $%d, exactly', async (dollars) => {
      await add(rollup(dollars * million, 999_500))
      await database.transaction(async (transaction) => {
        for (let time = 0; time < 1_000; time += 1) {
          await addToRollups(transaction, database.kind, [rollup(0, 1)])
        }
      })
      expect(await totals()).toEqual([rollup(dollars * million + 1, 500)])
    })

    it('carry amounts of either sign, both parts of one sign', async () => {
      const amount = fc.oneof(fc.bigInt(-3_000_000n, 3_000_000n), fc.bigInt(-(10n ** 20n), 10n ** 20n))
      await fc.assert(
        fc.asyncProperty(fc.array(amount, { minLength: 1, maxLength: 12 }), async (amounts) => {
          await database.transaction(async (transaction) => {
            await transaction.deleteFrom('rollups').execute()
            for (const each of amounts)
              await addToRollups(transaction, database.kind, [rollup(...pair(each))])
          })
          const total = amounts.reduce((sum, each) => sum + each, 0n)
          expect(await totals()).toEqual([rollup(...pair(total))])
        }),
        { numRuns: isLong ? 500 : 15 },
      )
    })

    it('hold totals to the last exact integer', async () => {
      await add(rollup(largest - 1, 999_999))
      await add(rollup(0, 1))
      expect(await totals()).toEqual([rollup(largest, 0)])
      await add(rollup(-largest, -1))
      expect(await totals()).toEqual([rollup(0, -1)])
    })

    it('are one for each counter, generation and period', async () => {
      const others = [
        { ...rollup(1, 0), generation: 1 },
        { ...rollup(1, 0), starts_at: 7 },
        rollup(1, 0, 'd'),
      ]
      await add(rollup(1, 0), ...others)
      await add(rollup(1, 0), ...others)
      expect((await totals()).map((row) => row.used_whole)).toEqual([2, 2, 2, 2])
    })

    it('of two writers in different orders add up', async () => {
      const rows = Array.from({ length: 50 }, (_, index) => rollup(1, 600_000, `c${index}`))
      const batches = Array.from({ length: 8 }, (_, index) => {
        const from = index % 2 === 0 ? ends.first : ends.second
        const ordered = index % 2 === 0 ? rows : rows.toReversed()
        return from.transaction((transaction) => addToRollups(transaction, from.kind, ordered))
      })
      await Promise.all(batches)
      expect(new Set((await totals()).map((row) => `${row.used_whole} ${row.used_pico}`))).toEqual(
        new Set(['12 800000']),
      )
    })
  })

  it('has the tables, columns and primary keys that the statements expect', async () => {
    for (const table of tableNames) {
      const { columns, primaryKey } = tables[table]
      const inKey = primaryKey as readonly string[]
      const { rows } = await sql`select * from ${sql.table(table)} limit 0`.execute(database.read)
      expect(rows).toEqual([])
      const found = (await database.read.introspection.getTables()).find((it) => it.name === table)
      const described = Object.fromEntries(
        found!.columns.map((column) => [column.name, typeNames[column.dataType.toLowerCase()]]),
      )
      expect(described).toEqual(columns)
      expect(inKey.every((column) => column in columns)).toBe(true)
    }
  })
}

const typeNames: Record<string, string> = { text: 'text', bigint: 'bigint', int8: 'bigint' }

const nodeColumns = [
  'id',
  'workspace_id',
  'kind',
  'root_id',
  'depth',
  'enforcement',
  'created_at',
  'updated_at',
  'revision',
  'deleted_at',
  'external_id',
] as const

function node(
  id: string,
  deletedAt: number | null,
  externalId: string | null = null,
): (string | number | null)[] {
  return [id, 'w', 'group', id, 0, 'INDEPENDENT', 1, 1, 1, deletedAt, externalId]
}

/** An amount of picodollars as its whole and its rest, both of one sign. */
function pair(pico: bigint): [whole: number, rest: number] {
  return [Number(pico / 1_000_000n), Number(pico % 1_000_000n)]
}

function insertNode(database: Database, id: string): Promise<void> {
  return database.transaction((transaction) =>
    bulkInsert(transaction, database.kind, 'nodes', nodeColumns, [node(id, null)]),
  )
}
