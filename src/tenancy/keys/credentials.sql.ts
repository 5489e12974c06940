import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'

/** Whether a digest is that of any credential, live or revoked: one value must not open two doors. */
export async function isCredential(database: Kysely<Schema>, digest: string): Promise<boolean> {
  const admin = await database.selectFrom('admin_keys').select('id').where('digest', '=', digest).execute()
  const workspace = await database
    .selectFrom('workspace_keys')
    .select('id')
    .where('digest', '=', digest)
    .execute()
  const calling = await database.selectFrom('keys').select('id').where('digest', '=', digest).execute()
  return admin.length + workspace.length + calling.length > 0
}
