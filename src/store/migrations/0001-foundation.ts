import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { collation, isPostgres } from './dialect.ts'

/** A question mark: null is allowed. */
type ColumnDefinition = 'text' | 'text?' | 'bigint' | 'bigint?'

interface TableDefinition {
  readonly columns: Readonly<Record<string, ColumnDefinition>>
  readonly primaryKey: readonly string[]
  /** SQLite keeps the rows within the primary key's index, instead of each row there and here. */
  readonly isClustered?: true
}

interface IndexDefinition {
  readonly table: string
  readonly columns: readonly string[]
  readonly unique?: true
  /** Rows outside of the condition are not in the index. */
  readonly where?: string
}

/** The columns of a histogram, one a cell. */
function cells(prefix: string): Record<string, ColumnDefinition> {
  const ends = '25 50 100 200 400 700 1000 1500 2500 4000 6000 10000 20000 40000 100000 more'.split(' ')
  return Object.fromEntries(ends.map((end) => [`${prefix}${end}`, 'bigint?']))
}

const tables: Readonly<Record<string, TableDefinition>> = {
  workspaces: {
    columns: {
      id: 'text',
      name: 'text',
      onboarded: 'bigint',
      created_at: 'bigint',
      deleted_at: 'bigint?',
      revision: 'bigint',
      config_hash: 'text?',
      registration_public_key: 'text?',
    },
    primaryKey: ['id'],
  },
  slug_prefixes: { columns: { prefix: 'text', workspace_id: 'text' }, primaryKey: ['prefix'] },
  workspace_domains: { columns: { domain: 'text', workspace_id: 'text' }, primaryKey: ['domain'] },
  workspace_keys: {
    columns: {
      id: 'text',
      workspace_id: 'text',
      name: 'text',
      type: 'text',
      digest: 'text',
      created_at: 'bigint',
      revoked_at: 'bigint?',
      revision: 'bigint',
      config_hash: 'text?',
    },
    primaryKey: ['id'],
  },
  admin_keys: {
    columns: {
      id: 'text',
      name: 'text',
      digest: 'text',
      created_at: 'bigint',
      revoked_at: 'bigint?',
      revision: 'bigint',
      config_hash: 'text?',
    },
    primaryKey: ['id'],
  },
  secrets: {
    columns: {
      workspace_id: 'text',
      id: 'text',
      sealed_value: 'text',
      created_at: 'bigint',
      updated_at: 'bigint',
      deleted_at: 'bigint?',
      revision: 'bigint',
      config_hash: 'text?',
    },
    primaryKey: ['workspace_id', 'id'],
  },
  model_environments: {
    columns: {
      workspace_id: 'text',
      model_id: 'text',
      name: 'text',
      base_url: 'text',
      model: 'text?',
      sealed_api_key: 'text?',
      region: 'text?',
      deleted_at: 'bigint?',
      revision: 'bigint',
      config_hash: 'text?',
    },
    primaryKey: ['workspace_id', 'model_id', 'name'],
  },
  nodes: {
    columns: {
      id: 'text',
      workspace_id: 'text',
      kind: 'text',
      parent_id: 'text?',
      root_id: 'text',
      depth: 'bigint',
      name: 'text?',
      external_id: 'text?',
      enforcement: 'text',
      created_at: 'bigint',
      updated_at: 'bigint',
      deleted_at: 'bigint?',
      revision: 'bigint',
    },
    primaryKey: ['id'],
  },
  grants: {
    columns: { owner_kind: 'text', owner_id: 'text', model: 'text', position: 'bigint', revision: 'bigint' },
    primaryKey: ['owner_kind', 'owner_id', 'model'],
  },
  limits: {
    columns: {
      id: 'text',
      owner_kind: 'text',
      owner_id: 'text',
      model: 'text',
      position: 'bigint',
      family: 'text',
      metric: 'text',
      unit: 'text',
      ceiling_whole: 'bigint',
      ceiling_pico: 'bigint',
      strict: 'bigint',
      revision: 'bigint',
    },
    primaryKey: ['id'],
  },
  keys: {
    columns: {
      id: 'text',
      workspace_id: 'text',
      node_id: 'text?',
      style: 'text',
      prefix: 'text',
      name: 'text?',
      digest: 'text',
      created_at: 'bigint',
      revoked_at: 'bigint?',
      revision: 'bigint',
    },
    primaryKey: ['id'],
  },
  endpoints: {
    columns: {
      id: 'text',
      workspace_id: 'text',
      slug: 'text',
      region: 'text',
      targets: 'text',
      created_at: 'bigint',
      updated_at: 'bigint',
      deleted_at: 'bigint?',
      revision: 'bigint',
    },
    primaryKey: ['id'],
  },
  settings: { columns: { key: 'text', value: 'text' }, primaryKey: ['key'] },
  installation: { columns: { id: 'bigint', revision: 'bigint' }, primaryKey: ['id'] },
  audit_log: {
    columns: {
      id: 'text',
      at: 'bigint',
      workspace_id: 'text?',
      actor: 'text',
      action: 'text',
      target: 'text',
      details: 'text',
    },
    primaryKey: ['id'],
  },
  instances: {
    columns: {
      id: 'text',
      started_at: 'bigint',
      heartbeat_at: 'bigint',
      watermark_at: 'bigint',
      retired_at: 'bigint?',
    },
    primaryKey: ['id'],
  },
  rolling_charges: {
    columns: { id: 'text', instance_id: 'text', at: 'bigint', charges: 'text' },
    primaryKey: ['at', 'id'],
  },
  usage_events: {
    columns: {
      id: 'text',
      at: 'bigint',
      workspace_id: 'text',
      request_id: 'text',
      key_id: 'text',
      key_prefix: 'text',
      node_id: 'text?',
      external_id: 'text?',
      model: 'text',
      provider: 'text',
      upstream_model: 'text',
      input_tokens: 'bigint',
      output_tokens: 'bigint',
      cache_read_tokens: 'bigint',
      cache_write_tokens: 'bigint',
      reasoning_tokens: 'bigint',
      cost_whole: 'bigint',
      cost_pico: 'bigint',
      estimated: 'bigint',
      streamed: 'bigint',
      status: 'bigint',
      latency_ms: 'bigint',
      first_token_ms: 'bigint?',
      metadata: 'text?',
      outcome: 'text',
      upstream_status: 'bigint?',
      admitted_ms: 'bigint',
      first_byte_ms: 'bigint?',
    },
    primaryKey: ['workspace_id', 'at', 'id'],
    isClustered: true,
  },
  rollups: {
    columns: {
      counter: 'text',
      generation: 'bigint',
      starts_at: 'bigint',
      ends_at: 'bigint',
      used_whole: 'bigint',
      used_pico: 'bigint',
    },
    primaryKey: ['counter', 'generation', 'starts_at'],
  },
  open_holds: {
    columns: { id: 'text', instance_id: 'text', at: 'bigint', holds: 'text' },
    primaryKey: ['id'],
  },
  spool_progress: {
    columns: { segment: 'text', instance_id: 'text', offset: 'bigint' },
    primaryKey: ['segment'],
  },

  webhooks: {
    columns: {
      workspace_id: 'text',
      url: 'text',
      sealed_secret: 'text',
      sealed_previous_secret: 'text?',
      previous_secret_until: 'bigint?',
      paused: 'bigint',
      created_at: 'bigint',
      updated_at: 'bigint',
      deleted_at: 'bigint?',
      config_hash: 'text?',
    },
    primaryKey: ['workspace_id'],
  },
  waiting_events: {
    columns: { workspace_id: 'text', first_at: 'bigint', id: 'text', events: 'bigint', keys: 'text' },
    primaryKey: ['workspace_id', 'first_at', 'id'],
    isClustered: true,
  },
  deliveries: {
    columns: {
      id: 'text',
      workspace_id: 'text',
      request_id: 'text',
      state: 'text',
      created_at: 'bigint',
      settled_at: 'bigint?',
      events: 'bigint',
      body: 'text?',
      signature: 'text?',
      attempts: 'bigint',
      last_status: 'bigint?',
      problem: 'text?',
    },
    primaryKey: ['id'],
  },
  leases: { columns: { name: 'text', holder: 'text', until: 'bigint' }, primaryKey: ['name'] },
  attempts: {
    columns: {
      id: 'text',
      at: 'bigint',
      workspace_id: 'text',
      request_id: 'text',
      key_id: 'text',
      node_id: 'text?',
      model: 'text',
      provider: 'text',
      upstream_model: 'text',
      outcome: 'text',
      upstream_status: 'bigint?',
      streamed: 'bigint',
      admitted_ms: 'bigint',
      first_byte_ms: 'bigint?',
      latency_ms: 'bigint',
    },
    primaryKey: ['workspace_id', 'at', 'id'],
    isClustered: true,
  },
  refusals: {
    columns: {
      id: 'text',
      at: 'bigint',
      workspace_id: 'text',
      request_id: 'text',
      key_id: 'text',
      node_id: 'text',
      model: 'text',
      provider: 'text',
      opens_at: 'bigint',
      only_held: 'bigint',
      judged: 'text',
    },
    primaryKey: ['workspace_id', 'at', 'id'],
    isClustered: true,
  },
  refusal_counts: {
    columns: {
      workspace_id: 'text',
      starts_at: 'bigint',
      key_id: 'text',
      model: 'text',
      counter: 'text',
      node_id: 'text',
      calls: 'bigint',
    },
    primaryKey: ['workspace_id', 'starts_at', 'key_id', 'model', 'counter'],
    isClustered: true,
  },
  usage_buckets: {
    columns: {
      starts_at: 'bigint',
      workspace_id: 'text',
      node_id: 'text',
      key_id: 'text',
      provider: 'text',
      model: 'text',
      outcome: 'text',
      calls: 'bigint',
      estimated_calls: 'bigint',
      input_tokens: 'bigint',
      output_tokens: 'bigint',
      cache_read_tokens: 'bigint',
      cache_write_tokens: 'bigint',
      reasoning_tokens: 'bigint',
      cost_whole: 'bigint',
      cost_pico: 'bigint',
      ...cells('duration_'),
      ...cells('first_token_'),
    },
    primaryKey: ['workspace_id', 'starts_at', 'node_id', 'key_id', 'provider', 'model', 'outcome'],
    isClustered: true,
  },
  key_uses: { columns: { key_id: 'text', last_used_at: 'bigint' }, primaryKey: ['key_id'] },
}

const indexes: Readonly<Record<string, IndexDefinition>> = {
  workspace_keys_digest: { table: 'workspace_keys', columns: ['digest'], unique: true },
  admin_keys_digest: { table: 'admin_keys', columns: ['digest'], unique: true },
  nodes_external_id: {
    table: 'nodes',
    columns: ['workspace_id', 'external_id'],
    unique: true,
    where: 'deleted_at is null and external_id is not null',
  },
  nodes_listed: { table: 'nodes', columns: ['workspace_id', 'kind', 'created_at', 'id'] },
  nodes_parent: { table: 'nodes', columns: ['parent_id'] },
  nodes_root: { table: 'nodes', columns: ['root_id'] },
  nodes_revision: { table: 'nodes', columns: ['revision', 'id'] },
  limits_owner: { table: 'limits', columns: ['owner_kind', 'owner_id'] },
  keys_digest: { table: 'keys', columns: ['digest'], unique: true, where: 'revoked_at is null' },
  keys_prefix: { table: 'keys', columns: ['workspace_id', 'style', 'prefix'], unique: true },
  keys_listed: { table: 'keys', columns: ['node_id', 'created_at', 'id'] },
  keys_revision: { table: 'keys', columns: ['revision', 'id'] },
  endpoints_slug: { table: 'endpoints', columns: ['slug'], unique: true, where: 'deleted_at is null' },
  endpoints_listed: { table: 'endpoints', columns: ['workspace_id', 'created_at', 'id'] },
  endpoints_revision: { table: 'endpoints', columns: ['revision'] },
  audit_log_listed: { table: 'audit_log', columns: ['workspace_id', 'at', 'id'] },
  rollups_ends_at: { table: 'rollups', columns: ['ends_at'] },
  audit_log_at: { table: 'audit_log', columns: ['at'] },

  usage_events_external_id: { table: 'usage_events', columns: ['workspace_id', 'external_id', 'at', 'id'] },
  usage_events_key_prefix: { table: 'usage_events', columns: ['workspace_id', 'key_prefix', 'at', 'id'] },
  deliveries_listed: { table: 'deliveries', columns: ['created_at', 'id'] },
  deliveries_of_workspace: { table: 'deliveries', columns: ['workspace_id', 'created_at', 'id'] },
  deliveries_state: { table: 'deliveries', columns: ['state', 'settled_at', 'id'] },
  deliveries_state_of_workspace: {
    table: 'deliveries',
    columns: ['workspace_id', 'state', 'settled_at', 'id'],
  },
  attempts_request: { table: 'attempts', columns: ['request_id'] },
  refusals_request: { table: 'refusals', columns: ['request_id'] },
}

/** The tables of the first release, and the installation's row, at revision 0. */
export const foundation: Migration = {
  async up(database: Kysely<unknown>) {
    for (const [name, table] of Object.entries(tables)) await createTable(database, name, table)
    for (const [name, index] of Object.entries(indexes)) await createIndex(database, name, index)
    await sql`insert into installation (id, revision) values (1, 0)`.execute(database)
  },
}

async function createTable(database: Kysely<unknown>, name: string, table: TableDefinition): Promise<void> {
  const text = sql`text ${collation(database)}`
  let statement = database.schema.createTable(name)
  for (const [column, definition] of Object.entries(table.columns)) {
    const type = definition.startsWith('text') ? text : 'bigint'
    statement = statement.addColumn(column, type, (it) => (definition.endsWith('?') ? it : it.notNull()))
  }
  if (table.isClustered && !isPostgres(database)) statement = statement.modifyEnd(sql`without rowid`)
  await statement.addPrimaryKeyConstraint(`${name}_primary`, [...table.primaryKey] as never).execute()
}

async function createIndex(database: Kysely<unknown>, name: string, index: IndexDefinition): Promise<void> {
  let statement = database.schema
    .createIndex(name)
    .on(index.table)
    .columns([...index.columns])
  if (index.unique) statement = statement.unique()
  if (index.where) statement = statement.where(sql<boolean>`${sql.raw(index.where)}`)
  await statement.execute()
}
