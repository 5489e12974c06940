import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { ModelConfigFact, ModelScope } from './facts.ts'
import { readOwnedLimits } from './owned-limits.sql.ts'
import { stored } from './stored.ts'

export async function readChangedModelConfigs(
  read: Kysely<Schema>,
  since: number,
): Promise<ModelConfigFact[]> {
  const changed = read.selectFrom('model_configs').where('revision', '>', since)
  const limitsOf = await readOwnedLimits(read, 'model_config', changed.select('id'))
  const rows = await changed.selectAll().execute()
  return rows.map((row) => ({
    id: row.id,
    modelName: row.model_name,
    provider: row.provider,
    scope: row.scope as ModelScope,
    scopeId: row.scope_id,
    calendarAligned: row.calendar_aligned === 1,
    ...limitsOf(row.id),
    ...stored(row),
  }))
}
