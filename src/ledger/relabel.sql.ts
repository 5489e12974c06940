import type { InstanceId } from '../domain/ids.ts'
import type { Database } from '../store/database.ts'

/**
 * Makes a copied database a new instance's own. The instances of the original live on elsewhere, or not at all: nobody
 * here waits for them, and what their spools hold never comes. Strict calls that were under way are the new instance's
 * to charge, as after a crash.
 */
export function relabelLedger(database: Database, instance: InstanceId): Promise<void> {
  return database.transaction(async (transaction) => {
    await transaction.deleteFrom('instances').execute()
    await transaction.deleteFrom('spool_progress').execute()
    await transaction.deleteFrom('leases').execute()
    await transaction.updateTable('open_holds').set({ instance_id: instance }).execute()
  })
}
