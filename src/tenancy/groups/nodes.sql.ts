import { type InferResult, type Kysely, type QueryCreator, sql } from 'kysely'
import type { NodeId, WorkspaceId } from '../../domain/ids.ts'
import type { EpochMs } from '../../domain/time.ts'
import type { Database } from '../../store/database.ts'
import type { Schema } from '../../store/schema.ts'
import type { Enforcement, LimitFact, ModelFact, NodeFact } from '../facts.ts'
import { oldestFirst, type PageOf } from '../page.sql.ts'
import type { DeclaredBelow } from '../rules/child-within-ancestors.ts'
import type { ChangedNode } from '../snapshot.ts'
import { type Lineage, lineageOf } from './inherit.ts'

/** A statement's names for the chosen nodes. */
type Chosen = Schema & { chosen: { id: string } }
type NodeRow = InferResult<ReturnType<typeof nodeRows>>[number]

/**
 * Nodes with their models and limits: one statement, so one consistent view of each.
 *
 * The cross joins of this file are inner joins whose order SQLite keeps. Left to choose, it may walk the whole table
 * to spare itself the sorting of a few rows.
 */
function nodeRows(creator: QueryCreator<Chosen>) {
  return creator
    .selectFrom('chosen')
    .crossJoin('nodes')
    .leftJoin('grants', (join) =>
      join.onRef('grants.owner_id', '=', 'nodes.id').on('grants.owner_kind', '=', 'node'),
    )
    .leftJoin('limits', (join) =>
      join
        .onRef('limits.owner_id', '=', 'grants.owner_id')
        .on('limits.owner_kind', '=', 'node')
        .onRef('limits.model', '=', 'grants.model'),
    )
    .whereRef('nodes.id', '=', 'chosen.id')
    .select([
      'nodes.id',
      'workspace_id',
      'parent_id',
      'root_id',
      'depth',
      'name',
      'external_id',
      'enforcement',
    ])
    .select(['created_at', 'updated_at', 'deleted_at', 'nodes.revision', 'grants.model', 'limits.family'])
    .select(['limits.metric', 'limits.unit', 'limits.ceiling_whole', 'limits.strict'])
    .select(['grants.position as grant_position', 'limits.position as limit_position'])
}

/** Live groups among `ids`, each with its ancestors. An id that is unknown or gone is left out. */
export async function readLineages(
  database: Kysely<Schema>,
  ids: readonly string[],
): Promise<Map<string, Lineage>> {
  if (ids.length === 0) return new Map()
  const rows = await nodeRows(
    database.withRecursive('chosen(id)', (creator) =>
      creator
        .selectFrom('nodes')
        .select('id')
        .where('id', 'in', ids)
        .where('deleted_at', 'is', null)
        .union(
          creator
            .selectFrom('chosen')
            .crossJoin('nodes')
            .whereRef('nodes.id', '=', 'chosen.id')
            .select('nodes.parent_id as id')
            .where('nodes.parent_id', 'is not', null)
            .$castTo<{ id: string }>(),
        ),
    ),
  )
    .orderBy('nodes.revision')
    .orderBy('nodes.id')
    .orderBy('grants.position')
    .orderBy('limits.position')
    .execute()
  const nodes = new Map(foldRows(rows).map(({ id, fact }) => [id, fact]))
  const lineages = new Map<string, Lineage>()
  for (const id of ids) {
    const node = nodes.get(id)
    const lineage = node && lineageOf(node, (parentId) => nodes.get(parentId) ?? null)
    if (lineage) lineages.set(id, lineage)
  }
  return lineages
}

/** The last row of a batch: the next one begins after it. */
export interface BatchEnd {
  readonly revision: number
  readonly id: string
}

/**
 * A batch of the groups written after `after`, in the order of their revisions; none left when it is empty.
 * The first load, of a revision nobody has seen yet, leaves out what is gone.
 */
export async function readChangedNodes(
  { read, kind }: Pick<Database, 'read' | 'kind'>,
  after: BatchEnd,
  { limit, withGone }: { readonly limit: number; readonly withGone: boolean },
): Promise<{ nodes: ChangedNode[]; end: BatchEnd | null }> {
  const chosen = read.with('chosen', (creator) =>
    creator
      .selectFrom('nodes')
      .select('id')
      .where('kind', '=', 'group')
      .where(({ eb, refTuple, tuple }) =>
        eb(refTuple('revision', 'id'), '>', tuple(after.revision, after.id)),
      )
      .$if(!withGone, (query) => query.where('deleted_at', 'is', null))
      .orderBy('revision')
      .orderBy('id')
      .limit(limit),
  )
  // Packed by the database: carrying rows of objects from one thread to the other takes most of the time of a load.
  const { rows: text } = await chosen
    .with('found', nodeRows)
    .selectFrom('found')
    .select(packedRows(kind).as('rows'))
    .executeTakeFirstOrThrow()
  const rows: NodeRow[] = text === null ? [] : JSON.parse(`[${text}]`)
  return { nodes: foldRows(rows), end: rows.at(-1) ?? null }
}

const packedColumns = [
  ...[
    'id',
    'workspace_id',
    'parent_id',
    'root_id',
    'depth',
    'name',
    'external_id',
    'enforcement',
    'created_at',
  ],
  ...['updated_at', 'deleted_at', 'revision', 'model', 'family', 'metric', 'unit', 'ceiling_whole', 'strict'],
] as const satisfies readonly (keyof NodeRow)[]

/** All rows as one text: JSON objects with commas between them, in the order that `foldRows` takes. */
function packedRows(kind: Database['kind']) {
  const members = sql.join(packedColumns.map((name) => sql`${sql.lit(name)}, ${sql.ref(name)}`))
  const row = kind === 'sqlite' ? sql`json_object(${members})` : sql`json_build_object(${members})::text`
  const order = sql`revision, id, grant_position, limit_position`
  return sql<string | null>`string_agg(${row}, ',' order by ${order})`
}

/** Ids of a page of live groups, oldest first, with one more than asked for where there is one. */
export function readGroupPage(
  database: Kysely<Schema>,
  workspaceId: WorkspaceId,
  { externalId, ...page }: PageOf & { readonly externalId: string | null },
): Promise<{ id: string; created_at: number }[]> {
  return oldestFirst(
    database
      .selectFrom('nodes')
      .select(['id', 'created_at'])
      .where('workspace_id', '=', workspaceId)
      .where('kind', '=', 'group')
      .where('deleted_at', 'is', null)
      .$if(externalId !== null, (query) => query.where('external_id', '=', externalId)),
    page,
  ).execute()
}

/** Whose a group is, and the root of its tree; null when it never was or is gone. */
export async function readGroupOwner(
  database: Kysely<Schema>,
  id: string,
): Promise<{ workspace_id: string; root_id: string } | null> {
  const row = await database
    .selectFrom('nodes')
    .select(['workspace_id', 'root_id'])
    .where('id', '=', id)
    .where('kind', '=', 'group')
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row ?? null
}

/** The highest threshold below a node for each slug, metric and unit that its descendants declare. */
export async function readDeclaredBelow(database: Kysely<Schema>, id: NodeId): Promise<DeclaredBelow[]> {
  const rows = await database
    .withRecursive('subtree(id)', (creator) => liveSubtree(creator, id))
    .selectFrom('limits')
    .where('owner_kind', '=', 'node')
    .where('owner_id', 'in', (query) => query.selectFrom('subtree').select('id').where('id', '!=', id))
    .select(['model', 'metric', 'unit', ({ fn }) => fn.max<number>('ceiling_whole').as('highest')])
    .groupBy(['model', 'metric', 'unit'])
    .execute()
  return rows.map(({ model, metric, unit, highest }) => ({
    slug: model,
    metric: metric as LimitFact['metric'],
    unit: unit as LimitFact['unit'],
    highest,
  }))
}

export async function insertNode(database: Kysely<Schema>, node: NodeFact, revision: number): Promise<void> {
  await database
    .insertInto('nodes')
    .values({
      id: node.id,
      workspace_id: node.workspaceId,
      kind: node.kind,
      parent_id: node.parentId,
      root_id: node.rootId,
      depth: node.depth,
      name: node.name,
      external_id: node.externalId,
      enforcement: node.enforcement,
      created_at: node.createdAt,
      updated_at: node.updatedAt,
      deleted_at: null,
      revision,
    })
    .execute()
}

export async function updateNode(
  database: Kysely<Schema>,
  { id, name, updatedAt }: NodeFact,
  revision: number,
): Promise<void> {
  await database
    .updateTable('nodes')
    .set({ name, updated_at: updatedAt, revision })
    .where('id', '=', id)
    .execute()
}

/** Replaces what a node may call and the limits on it. `newId` names a limit's row. */
export async function replaceModels(
  database: Kysely<Schema>,
  id: NodeId,
  models: readonly ModelFact[],
  revision: number,
  newId: () => string,
): Promise<void> {
  await database.deleteFrom('limits').where('owner_kind', '=', 'node').where('owner_id', '=', id).execute()
  await database.deleteFrom('grants').where('owner_kind', '=', 'node').where('owner_id', '=', id).execute()
  const owner = { owner_kind: 'node', owner_id: id }
  const grants = models.map(({ slug }, position) => ({ ...owner, model: slug, position, revision }))
  const limits = models.flatMap(({ slug, limits }) =>
    limits.map(({ family, metric, unit, threshold, strict }, position) => ({
      ...owner,
      id: newId(),
      model: slug,
      position,
      family,
      metric,
      unit,
      ceiling_whole: threshold,
      ceiling_pico: 0,
      strict: strict ? 1 : 0,
      revision,
    })),
  )
  for (const batch of batches(grants))
    await database
      .insertInto('grants')
      .values([...batch])
      .execute()
  for (const batch of batches(limits))
    await database
      .insertInto('limits')
      .values([...batch])
      .execute()
}

/** Ends a whole subtree: its keys are revoked, its models and limits dropped, its outside names free again. */
export async function deleteSubtree(
  database: Kysely<Schema>,
  id: NodeId,
  at: EpochMs,
  revision: number,
): Promise<void> {
  const subtree = database.withRecursive('subtree(id)', (creator) => liveSubtree(creator, id))
  await subtree
    .updateTable('keys')
    .set({ revoked_at: at, revision })
    .where('node_id', 'in', (query) => query.selectFrom('subtree').select('id'))
    .where('revoked_at', 'is', null)
    .execute()
  for (const table of ['limits', 'grants'] as const) {
    await subtree
      .deleteFrom(table)
      .where('owner_kind', '=', 'node')
      .where('owner_id', 'in', (query) => query.selectFrom('subtree').select('id'))
      .execute()
  }
  await subtree
    .updateTable('nodes')
    .set({ deleted_at: at, revision })
    .where('id', 'in', (query) => query.selectFrom('subtree').select('id'))
    .execute()
}

function liveSubtree(creator: QueryCreator<Schema & { subtree: { id: string } }>, id: NodeId) {
  return creator
    .selectFrom('nodes')
    .select('id')
    .where('id', '=', id)
    .unionAll(
      creator
        .selectFrom('subtree')
        .crossJoin('nodes')
        .whereRef('nodes.parent_id', '=', 'subtree.id')
        .select('nodes.id')
        .where('nodes.deleted_at', 'is', null),
    )
}

/** Rows of one node follow each other; a group without models, or a model without limits, has one with nulls. */
function foldRows(rows: readonly NodeRow[]): ChangedNode[] {
  const nodes: ChangedNode[] = []
  let models: { slug: string; limits: LimitFact[] }[] = []
  for (const row of rows) {
    if (nodes.at(-1)?.id !== row.id) {
      models = []
      nodes.push(toChangedNode(row, models))
    }
    if (row.model === null) continue
    if (models.at(-1)?.slug !== row.model) models.push({ slug: row.model, limits: [] })
    if (row.metric !== null) models.at(-1)?.limits.push(toLimit(row))
  }
  return nodes
}

function toChangedNode(row: NodeRow, models: readonly ModelFact[]): ChangedNode {
  const rootId = row.root_id as NodeId
  if (row.deleted_at !== null) return { id: row.id, rootId, fact: null }
  const fact: NodeFact = {
    id: row.id as NodeId,
    workspaceId: row.workspace_id as WorkspaceId,
    kind: 'group',
    parentId: row.parent_id as NodeId | null,
    rootId,
    depth: row.depth,
    name: row.name,
    externalId: row.external_id ?? '',
    enforcement: row.enforcement as Enforcement,
    models,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
  return { id: row.id, rootId, fact }
}

function toLimit(row: NodeRow): LimitFact {
  return {
    family: row.family as LimitFact['family'],
    metric: row.metric as LimitFact['metric'],
    unit: row.unit as LimitFact['unit'],
    threshold: row.ceiling_whole ?? 0,
    strict: row.strict === 1,
  }
}

/** Pieces small enough for the parameters of one statement. */
function* batches<Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += 500) yield rows.slice(at, at + 500)
}
