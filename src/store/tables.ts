import { governanceTables } from './governance-tables.ts'
import { durationColumns, firstTokenColumns } from './histogram.ts'
import type { Schema } from './schema.ts'

type ColumnType<Value> = NonNullable<Value> extends string ? 'text' : 'bigint'

/** A table's columns with the type that both databases give them, and the columns of its primary key. */
export interface TableShape<Row> {
  readonly columns: { readonly [Column in keyof Row]-?: ColumnType<Row[Column]> }
  readonly primaryKey: readonly (keyof Row & string)[]
}

/** A value as both databases take and give it. */
export type SqlValue = string | number | null

export type TableName = keyof Schema & string
export type ColumnName<Table extends TableName> = keyof Schema[Table] & string

type CellColumn = (typeof durationColumns)[number] | (typeof firstTokenColumns)[number]

const cellColumns = Object.fromEntries(
  [...durationColumns, ...firstTokenColumns].map((column) => [column, 'bigint']),
) as Record<CellColumn, 'bigint'>

/** Every table as it is after the last migration, for statements that are made for any table. */
export const tables: { readonly [Table in TableName]: TableShape<Schema[Table]> } = {
  ...governanceTables,
  workspaces: {
    columns: {
      id: 'text',
      name: 'text',
      onboarded: 'bigint',
      created_at: 'bigint',
      deleted_at: 'bigint',
      revision: 'bigint',
      config_hash: 'text',
      registration_public_key: 'text',
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
      revoked_at: 'bigint',
      revision: 'bigint',
      config_hash: 'text',
    },
    primaryKey: ['id'],
  },
  admin_keys: {
    columns: {
      id: 'text',
      name: 'text',
      digest: 'text',
      created_at: 'bigint',
      revoked_at: 'bigint',
      revision: 'bigint',
      config_hash: 'text',
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
      deleted_at: 'bigint',
      revision: 'bigint',
      config_hash: 'text',
    },
    primaryKey: ['workspace_id', 'id'],
  },
  model_environments: {
    columns: {
      workspace_id: 'text',
      model_id: 'text',
      name: 'text',
      base_url: 'text',
      model: 'text',
      sealed_api_key: 'text',
      region: 'text',
      deleted_at: 'bigint',
      revision: 'bigint',
      config_hash: 'text',
    },
    primaryKey: ['workspace_id', 'model_id', 'name'],
  },
  nodes: {
    columns: {
      id: 'text',
      workspace_id: 'text',
      kind: 'text',
      parent_id: 'text',
      root_id: 'text',
      depth: 'bigint',
      name: 'text',
      external_id: 'text',
      enforcement: 'text',
      created_at: 'bigint',
      updated_at: 'bigint',
      deleted_at: 'bigint',
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
      node_id: 'text',
      style: 'text',
      prefix: 'text',
      name: 'text',
      digest: 'text',
      created_at: 'bigint',
      revoked_at: 'bigint',
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
      deleted_at: 'bigint',
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
      workspace_id: 'text',
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
      retired_at: 'bigint',
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
      node_id: 'text',
      external_id: 'text',
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
      first_token_ms: 'bigint',
      metadata: 'text',
      outcome: 'text',
      upstream_status: 'bigint',
      admitted_ms: 'bigint',
      first_byte_ms: 'bigint',
    },
    primaryKey: ['workspace_id', 'at', 'id'],
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
      sealed_previous_secret: 'text',
      previous_secret_until: 'bigint',
      paused: 'bigint',
      created_at: 'bigint',
      updated_at: 'bigint',
      deleted_at: 'bigint',
      config_hash: 'text',
    },
    primaryKey: ['workspace_id'],
  },
  waiting_events: {
    columns: { workspace_id: 'text', first_at: 'bigint', id: 'text', events: 'bigint', keys: 'text' },
    primaryKey: ['workspace_id', 'first_at', 'id'],
  },
  deliveries: {
    columns: {
      id: 'text',
      workspace_id: 'text',
      request_id: 'text',
      state: 'text',
      created_at: 'bigint',
      settled_at: 'bigint',
      events: 'bigint',
      body: 'text',
      signature: 'text',
      attempts: 'bigint',
      last_status: 'bigint',
      problem: 'text',
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
      node_id: 'text',
      model: 'text',
      provider: 'text',
      upstream_model: 'text',
      outcome: 'text',
      upstream_status: 'bigint',
      streamed: 'bigint',
      admitted_ms: 'bigint',
      first_byte_ms: 'bigint',
      latency_ms: 'bigint',
    },
    primaryKey: ['workspace_id', 'at', 'id'],
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
      ...cellColumns,
    },
    primaryKey: ['workspace_id', 'starts_at', 'node_id', 'key_id', 'provider', 'model', 'outcome'],
  },
  key_uses: { columns: { key_id: 'text', last_used_at: 'bigint' }, primaryKey: ['key_id'] },
}

export const tableNames = Object.keys(tables) as TableName[]
