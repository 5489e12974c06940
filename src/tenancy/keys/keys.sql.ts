import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import type { KeyId, NodeId, WorkspaceId } from '../../domain/ids.ts'
import type { EpochMs } from '../../domain/time.ts'
import type { Schema } from '../../store/schema.ts'
import type { Position } from '../cursor.ts'
import type { KeyFact } from '../facts.ts'
import type { BatchEnd } from '../groups/nodes.sql.ts'
import { oldestFirst, type PageOf } from '../page.sql.ts'
import type { PackedKeys } from './key-block.ts'

/** What a listing shows of a live key, and where it stands in it. */
export interface ListedKey extends Position {
  readonly prefix: string
  readonly name: string | null
}

/** A batch of the keys written after `after`, live and revoked, in the order of their revisions. */
export async function readChangedKeys(
  database: Kysely<Schema>,
  after: BatchEnd,
  limit: number,
): Promise<{ keys: KeyFact[]; end: BatchEnd | null }> {
  const rows = await database
    .selectFrom('keys')
    .select(['id', 'workspace_id', 'node_id', 'style', 'prefix', 'digest', 'revoked_at', 'revision'])
    .where(afterBatch(after))
    .orderBy('revision')
    .orderBy('id')
    .limit(limit)
    .execute()
  const keys = rows.map((row) => ({
    id: row.id as KeyId,
    workspaceId: row.workspace_id as WorkspaceId,
    nodeId: row.node_id as NodeId | null,
    style: row.style as KeyFact['style'],
    prefix: row.prefix,
    digest: Buffer.from(row.digest, 'hex'),
    revoked: row.revoked_at !== null,
  }))
  return { keys, end: rows.at(-1) ?? null }
}

/**
 * The same as few long texts: of a million keys, most of the time would go by on carrying rows of them from one thread
 * to the other. The last batch has no end.
 */
export async function readPackedKeys(
  database: Kysely<Schema>,
  after: BatchEnd,
  limit: number,
): Promise<{ packed: PackedKeys; end: BatchEnd | null }> {
  const isAfter = afterBatch(after)
  const end = await database
    .selectFrom('keys')
    .select(['revision', 'id'])
    .where(isAfter)
    .orderBy('revision')
    .orderBy('id')
    .offset(limit - 1)
    .limit(1)
    .executeTakeFirst()
  const packed = await database
    .selectFrom('keys')
    .where(isAfter)
    .$if(end !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('revision', 'id'), '<=', tuple(end?.revision ?? 0, end?.id ?? '')),
      ),
    )
    .select(({ fn }) => [
      fn.countAll<number>().as('count'),
      sql<string | null>`string_agg(${lineOfKey}, ${'\n'})`.as('lines'),
    ])
    .executeTakeFirstOrThrow()
  return { packed: { count: packed.count, lines: packed.lines ?? '' }, end: end ?? null }
}

const lineOfKey = sql`digest || id || ' ' || workspace_id || ' ' || coalesce(node_id, '') || ' ' || style
  || case when revoked_at is null then ' 0 ' else ' 1 ' end || prefix`

function afterBatch({ revision, id }: BatchEnd) {
  return ({ eb, refTuple, tuple }: ExpressionBuilder<Schema, 'keys'>) =>
    eb(refTuple('revision', 'id'), '>', tuple(revision, id))
}

/** Live keys of a group, oldest first, with one more than asked for where there is one. */
export async function readKeyPage(
  database: Kysely<Schema>,
  nodeId: NodeId,
  page: PageOf,
): Promise<ListedKey[]> {
  const rows = await oldestFirst(
    database
      .selectFrom('keys')
      .select(['id', 'prefix', 'name', 'created_at'])
      .where('node_id', '=', nodeId)
      .where('revoked_at', 'is', null),
    page,
  ).execute()
  return rows.map((row) => ({ id: row.id, createdAt: row.created_at, prefix: row.prefix, name: row.name }))
}

/** A live key of a group, by its prefix. */
export async function readKey(
  database: Kysely<Schema>,
  nodeId: NodeId,
  prefix: string,
): Promise<{ id: string; prefix: string; name: string | null } | null> {
  const row = await database
    .selectFrom('keys')
    .select(['id', 'prefix', 'name'])
    .where('node_id', '=', nodeId)
    .where('style', '=', 'federated')
    .where('prefix', '=', prefix)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return row ?? null
}

/** Whether a key of the workspace has this prefix, revoked ones included. */
export async function isPrefixTaken(
  database: Kysely<Schema>,
  workspaceId: WorkspaceId,
  prefix: string,
): Promise<boolean> {
  const row = await database
    .selectFrom('keys')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('style', '=', 'federated')
    .where('prefix', '=', prefix)
    .executeTakeFirst()
  return row !== undefined
}

export async function insertKey(
  database: Kysely<Schema>,
  key: KeyFact,
  { name, createdAt, revision }: { name: string | null; createdAt: EpochMs; revision: number },
): Promise<void> {
  await database
    .insertInto('keys')
    .values({
      id: key.id,
      workspace_id: key.workspaceId,
      node_id: key.nodeId,
      style: key.style,
      prefix: key.prefix,
      name,
      digest: key.digest.toString('hex'),
      created_at: createdAt,
      revoked_at: null,
      revision,
    })
    .execute()
}

export async function revokeKey(
  database: Kysely<Schema>,
  id: string,
  at: EpochMs,
  revision: number,
): Promise<void> {
  await database.updateTable('keys').set({ revoked_at: at, revision }).where('id', '=', id).execute()
}
