import type { Kysely, Transaction } from 'kysely'
import type { Schema } from '../../../store/schema.ts'

export type TombstoneKind =
  | 'customer'
  | 'team'
  | 'virtual_key'
  | 'model_config'
  | 'provider_limits'
  | 'routing_rule'
  | 'pricing_override'
  | 'provider'
  | 'mcp_client'

/** Ids of what was deleted since a revision, by kind; nothing at the first load, which finds what there is. */
export async function readTombstones(
  read: Kysely<Schema>,
  since: number,
): Promise<(kind: TombstoneKind) => readonly string[]> {
  if (since === 0) return () => []
  const rows = await read
    .selectFrom('tombstones')
    .select(['kind', 'id'])
    .where('revision', '>', since)
    .execute()
  const byKind = Map.groupBy(rows, ({ kind }) => kind)
  return (kind) => (byKind.get(kind) ?? []).map(({ id }) => id)
}

/** Leaves word, for other instances, that an entity is gone. */
export async function bury(
  transaction: Transaction<Schema>,
  kind: TombstoneKind,
  id: string,
  revision: number,
): Promise<void> {
  await transaction
    .insertInto('tombstones')
    .values({ kind, id, revision })
    .onConflict((conflict) => conflict.columns(['kind', 'id']).doUpdateSet({ revision }))
    .execute()
}
