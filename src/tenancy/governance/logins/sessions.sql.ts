import type { Kysely, Transaction } from 'kysely'
import type { EpochMs } from '../../../domain/time.ts'
import type { SessionTable } from '../../../store/governance-schema.ts'
import type { Schema } from '../../../store/schema.ts'

/** With each new session, those that are over go. */
export async function insertSession(transaction: Transaction<Schema>, session: SessionTable): Promise<void> {
  await transaction.deleteFrom('sessions').where('expires_at', '<=', session.created_at).execute()
  await transaction.insertInto('sessions').values(session).execute()
}

export async function readSession(
  read: Kysely<Schema>,
  digest: string,
  now: EpochMs,
): Promise<{ readonly username: string } | null> {
  const row = await read
    .selectFrom('sessions')
    .select('username')
    .where('digest', '=', digest)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return row ?? null
}

export async function deleteSessionRow(transaction: Transaction<Schema>, digest: string): Promise<void> {
  await transaction.deleteFrom('sessions').where('digest', '=', digest).execute()
}

export async function deleteAllSessions(transaction: Transaction<Schema>): Promise<void> {
  await transaction.deleteFrom('sessions').execute()
}
