import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { EpochMs } from '../../../domain/time.ts'
import type { Schema } from '../../../store/schema.ts'

/** What a key's calls to one model of one provider come to. */
export interface ModelUsage {
  readonly model: string
  readonly provider: string
  readonly requests: number
  readonly tokens: number
  readonly costWhole: number
  readonly costPico: number
}

/** Usage is added up in stretches of so long. */
const stretchMs = 900_000

/** Of the calls that have ended since an instant, or in the stretch that it lies in; dearest first. */
export async function readModelUsage(
  read: Kysely<Schema>,
  keyId: string,
  since: EpochMs,
): Promise<ModelUsage[]> {
  return read
    .selectFrom('usage_buckets')
    .select([
      'model',
      'provider',
      total('calls').as('requests'),
      sql<number>`cast(sum(input_tokens + output_tokens) as bigint)`.as('tokens'),
      total('cost_whole').as('costWhole'),
      total('cost_pico').as('costPico'),
    ])
    .where('key_id', '=', keyId)
    .where('starts_at', '>=', since - (since % stretchMs))
    .where('outcome', 'in', ['ok', 'cancelled'])
    .groupBy(['model', 'provider'])
    .orderBy('costWhole', 'desc')
    .orderBy('model')
    .orderBy('provider')
    .execute()
}

function total(column: string): RawBuilder<number> {
  return sql<number>`cast(sum(${sql.ref(column)}) as bigint)`
}

/** The limits of models that are for this key alone, oldest first. */
export async function readModelConfigIdsOf(read: Kysely<Schema>, virtualKeyId: string): Promise<string[]> {
  const rows = await read
    .selectFrom('model_configs')
    .select('id')
    .where('scope', '=', 'virtual_key')
    .where('scope_id', '=', virtualKeyId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}
