import type { Transaction } from 'kysely'
import { type Failure, isFailure } from '../domain/failure.ts'
import type { NewUlid, WorkspaceId } from '../domain/ids.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { uniqueViolation } from '../store/errors.ts'
import type { Schema } from '../store/schema.ts'
import { insertAudit, moveRevision } from './installation.sql.ts'

/** Who writes, and in which workspace. `actor` stands in the audit: a kind and an id, such as `workspace_key:wk_…`. */
export interface Caller {
  readonly workspaceId: WorkspaceId
  readonly actor: string
}

/** The operator, who writes in any workspace. `actor` as a caller's. */
export interface Operator {
  readonly actor: string
}

/** The moment of a write: nothing that it did is older or of an earlier revision. */
export interface Stamp {
  readonly revision: number
  readonly at: EpochMs
}

export interface Write {
  readonly transaction: Transaction<Schema>
  readonly kind: Database['kind']
  /** Ends the checks: from here on the write holds the installation's revision, and must not fail as a value. */
  begin(): Promise<Stamp>
  audit(action: string, target: string, details: Readonly<Record<string, unknown>>): Promise<void>
}

/** Failures for unique violations, by the columns as `uniqueViolation` names them. */
export type Conflicts = Readonly<Record<string, Failure>>

/** Does one write: checks, facts, audit and revision in one transaction, then the next snapshot, then the answer. */
export type WriteFacts = <Answer>(
  caller: { readonly workspaceId: WorkspaceId | null; readonly actor: string },
  work: (write: Write) => Promise<Answer | Failure>,
  conflicts?: Conflicts,
) => Promise<Answer | Failure>

/** `publish` resolves once the process's snapshot holds the given revision. */
export function writerOf(
  database: Database,
  clock: Clock,
  newUlid: NewUlid,
  publish: (revision: number) => Promise<void>,
): WriteFacts {
  return async (caller, work, conflicts = {}) => {
    let stamp: Stamp | null = null
    const run = async (transaction: Transaction<Schema>) => {
      const answer = await work({
        transaction,
        kind: database.kind,
        async begin() {
          stamp ??= { revision: await moveRevision(transaction), at: clock() }
          return stamp
        },
        async audit(action, target, details) {
          const at = clock()
          await insertAudit(transaction, {
            id: newUlid(at),
            at,
            workspaceId: caller.workspaceId,
            actor: caller.actor,
            action,
            target,
            details,
          })
        },
      })
      if (stamp !== null && isFailure(answer)) throw new Error('A write failed after it had begun')
      return answer
    }

    try {
      const answer = await database.transaction(run)
      const written = stamp as Stamp | null
      if (written !== null) await publish(written.revision)
      return answer
    } catch (error) {
      const conflict = conflicts[uniqueViolation(error) ?? '']
      if (conflict === undefined) throw error
      return conflict
    }
  }
}
