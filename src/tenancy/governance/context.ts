import { sql, type Transaction } from 'kysely'
import type { CounterStore } from '../../limits/plan.ts'
import type { Database } from '../../store/database.ts'
import type { Schema } from '../../store/schema.ts'
import type { Context } from '../context.ts'
import type { Operator, Write } from '../write.ts'
import type { Variable } from './routing/variables.ts'
import type { GovernanceWorld } from './world.ts'

/** What every operation of this room stands on. */
export interface GovernanceContext extends Context {
  readonly kind: Database['kind']
  world(): GovernanceWorld
  /** What limits have counted, for usage that is carried or taken back. */
  readonly counters: Pick<CounterStore, 'read'>
}

/** What operations stand on that take what `env.NAME` stands for. */
export interface ProcessContext extends Context {
  readonly variable: Variable
  world(): GovernanceWorld
}

/**
 * One write at a time: what it checks, in whatever table, no other write can change before this one ends. On SQLite a
 * transaction is alone from its beginning.
 */
export async function lockGovernance({ transaction, kind }: Write): Promise<void> {
  if (kind === 'sqlite') return
  await sql`select pg_advisory_xact_lock(${governanceLock}::bigint)`.execute(transaction)
}

/** Any number, the same in every release. */
const governanceLock = 7_405_309_127

/** Those who write here write for the installation, not for a workspace. */
export function ofInstallation({ actor }: Operator) {
  return { workspaceId: null, actor }
}

/** The next number of something that is numbered on the wire, under the lock of the write. */
export async function nextNumber(
  transaction: Transaction<Schema>,
  name: 'provider' | 'provider_key' | 'provider_config' | 'mcp_client' | 'mcp_config',
): Promise<number> {
  const row = await transaction
    .insertInto('sequences')
    .values({ name, value: 1 })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet(({ ref, eb }) => ({ value: eb(ref('sequences.value'), '+', 1) })),
    )
    .returning('value')
    .executeTakeFirstOrThrow()
  return row.value
}
