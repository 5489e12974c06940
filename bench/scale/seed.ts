import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { ulidSource } from '../../src/domain/ids.ts'
import { bulkInsert } from '../../src/store/bulk.ts'
import type { Database } from '../../src/store/database.ts'
import { openSqliteWriter } from '../../src/store/sqlite-writer.ts'
import type { ColumnName, SqlValue } from '../../src/store/tables.ts'
import { digestCredential } from '../../src/tenancy/keys/digest.ts'
import { deriveKeyring } from '../../src/tenancy/sealing/keyring.ts'

export interface SeedOptions {
  /** Whole trees of ten. */
  readonly groups: number
  /** Of each group. */
  readonly keysPerGroup: number
  readonly databaseFile: string
  readonly masterKey: string
  readonly workspace: string
  readonly slug: string
  /** Where the keys go that calls are made with, one a line: all those of three groups. */
  readonly keyFile: string
  /** And where one of each of so many groups goes. */
  readonly manyFile: string
  readonly many: number
  onProgress(share: number): void
}

/** Where each group of a tree hangs: five levels, three groups at the bottom. */
const parentOf = [null, 0, 1, 2, 3, 0, 5, 6, 7, 3]
const depthOf = [1, 2, 3, 4, 5, 2, 3, 4, 5, 5]
const bottom = 5
const treesAtOnce = 100
/** Far above any load, so that each limit is counted and none refuses. */
const threshold = 1e12
const began = Date.UTC(2026, 0, 1)

const columns = {
  nodes: [
    ...['id', 'workspace_id', 'kind', 'parent_id', 'root_id', 'depth', 'name', 'external_id', 'enforcement'],
    ...['created_at', 'updated_at', 'revision'],
  ],
  grants: ['owner_kind', 'owner_id', 'model', 'position', 'revision'],
  limits: [
    ...['id', 'owner_kind', 'owner_id', 'model', 'position', 'family', 'metric', 'unit'],
    ...['ceiling_whole', 'ceiling_pico', 'strict', 'revision'],
  ],
  keys: ['id', 'workspace_id', 'node_id', 'style', 'prefix', 'name', 'digest', 'created_at', 'revision'],
} as { readonly [Table in 'nodes' | 'grants' | 'limits' | 'keys']: ColumnName<Table>[] }

type Rows = Record<keyof typeof columns, SqlValue[][]>

/**
 * Fills a database that a gateway has made with trees of ten groups, each group with a rate and a usage limit on the
 * one slug. Rows are as the gateway would have written them one by one, each with a revision of its own. Gives a group
 * at the bottom of a tree.
 */
export async function seed(options: SeedOptions): Promise<string> {
  const { database, close } = openSqliteWriter(options.databaseFile)
  try {
    return await fill(database, options)
  } finally {
    await close()
  }
}

async function fill(database: Database, options: SeedOptions): Promise<string> {
  const { groups, keyFile, manyFile } = options
  const installation = await database.read
    .selectFrom('installation')
    .select('revision')
    .executeTakeFirstOrThrow()
  const planter = planterOf(options, installation.revision)
  const trees = groups / parentOf.length
  let lastId = ''
  for (let tree = 0; tree < trees; tree += treesAtOnce) {
    const rows: Rows = { nodes: [], grants: [], limits: [], keys: [] }
    for (let at = tree; at < Math.min(tree + treesAtOnce, trees); at++) lastId = planter.plant(at, rows)
    await database.transaction(async (transaction) => {
      for (const table of ['nodes', 'grants', 'limits', 'keys'] as const)
        await bulkInsert<'nodes'>(
          transaction,
          database.kind,
          table as 'nodes',
          columns[table] as never,
          rows[table],
        )
      await transaction.updateTable('installation').set({ revision: planter.revision() }).execute()
    })
    options.onProgress(Math.min(1, (tree + treesAtOnce) / trees))
  }
  writeFileSync(keyFile, planter.keysOfFew.join('\n'))
  writeFileSync(manyFile, planter.keysOfMany.join('\n'))
  return lastId
}

/** Makes the rows of one tree after the other. */
function planterOf(options: SeedOptions, lastRevision: number) {
  const { groups, keysPerGroup, workspace, slug, many } = options
  const keyring = deriveKeyring(options.masterKey)
  const newUlid = ulidSource()
  const keysOfFew: string[] = []
  const keysOfMany: string[] = []
  let revision = lastRevision

  const limit = (id: string, at: number, position: number): SqlValue[] => [
    ...[newUlid(at), 'node', id, slug, position],
    ...(position === 0 ? ['rate', 'request', 'minute'] : ['usage', 'token', 'day']),
    ...[threshold, 0, 0, revision],
  ]
  const plantKeys = (groupId: string, serial: number, isAtBottom: boolean, at: number, { keys }: Rows) => {
    for (let number = 0; number < keysPerGroup; number++) {
      const value = keyValue(serial * keysPerGroup + number)
      const [prefix = ''] = value.split('.')
      const digest = digestCredential(keyring, value).toString('hex')
      const id = `k_${newUlid(at)}`
      keys.push([id, workspace, groupId, 'federated', prefix, `Key ${number}`, digest, at, ++revision])
      if (isAtBottom && serial >= groups - parentOf.length) keysOfFew.push(value)
      if (isAtBottom && number === 0 && keysOfMany.length < many) keysOfMany.push(value)
    }
  }

  return {
    keysOfFew,
    keysOfMany,
    revision: () => revision,
    /** The id of the last group of the tree. */
    plant(tree: number, rows: Rows): string {
      const ids: string[] = []
      for (const [place, parent] of parentOf.entries()) {
        const serial = tree * parentOf.length + place
        const at = began + serial
        const id = `g_${newUlid(at)}`
        ids.push(id)
        rows.nodes.push([
          ...[id, workspace, 'group', parent === null ? null : (ids[parent] ?? null), ids[0] ?? id],
          ...[depthOf[place] ?? 0, `Group ${serial}`, `customer-${serial}`, 'CASCADING', at, at, ++revision],
        ])
        rows.grants.push(['node', id, slug, 0, revision])
        rows.limits.push(limit(id, at, 0), limit(id, at, 1))
        plantKeys(id, serial, depthOf[place] === bottom, at, rows)
      }
      return ids.at(-1) ?? ''
    },
  }
}

/** Looks as a minted key does, and is the same at each run. */
function keyValue(serial: number): string {
  const text = hash('sha512', `key ${serial}`, 'base64').replaceAll(/[^A-Za-z0-9]/g, 'x')
  return `sky_${text.slice(0, 12)}.${text.slice(12, 55)}`
}
