import type { Transaction } from 'kysely'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { Schema } from '../../../store/schema.ts'
import { digestFileEntry } from '../../keys/digest.ts'
import type { Operator, Write, WriteFacts } from '../../write.ts'
import type { GovernanceContext, ProcessContext } from '../context.ts'

/** What the writes of a file stand on. */
export type FileContext = GovernanceContext & ProcessContext

/** One write of the whole file, and what its sections need of it. */
export interface FileWrite {
  readonly it: Write
  /** As the room's operations take it, who then write within this write. Whatever they refuse ends all of it. */
  readonly context: FileContext
  /** By which virtual keys of the file are stored, where that is another id. */
  readonly keyIds: Map<string, string>
  isToWrite(storedHash: string | null | undefined, hash: string): boolean
  digest(entry: readonly unknown[]): string
  /** Says what the operator should know. */
  note(note: FileNote): void
}

/** Something in the file that holds less than its writer may think. */
export interface FileNote {
  readonly path: string
  readonly message: string
}

export const fromFile: Operator = { actor: 'configuration_file' }

/** Ends the write of a file, and takes back what it has written so far. */
export class FileRefused extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super('the file is refused')
    this.failure = failure
  }
}

export function refuse(path: string, message: string): never {
  throw new FileRefused({ failure: 'invalid', message: `${path}: ${message}` })
}

export function openFileWrite(
  context: FileContext,
  it: Write,
  isSourceOfTruth: boolean,
): FileWrite & {
  readonly notes: readonly FileNote[]
} {
  const notes: FileNote[] = []
  return {
    it,
    context: { ...context, write: writeWithin(it) },
    keyIds: new Map(),
    isToWrite: (stored, hash) => isSourceOfTruth || stored !== hash,
    digest: (entry) => digestFileEntry(context.keyring, entry.map(inOrder)),
    note: (note) => void notes.push(note),
    notes,
  }
}

/**
 * Has an operation of this room write within a write that is under way, so that all of the file is one. The audit says
 * what the file changed, entity by entity, and not the steps that it took.
 */
function writeWithin(it: Write): WriteFacts {
  return async (_caller, work) => {
    const answer = await work({ ...it, audit: async () => {} })
    if (isFailure(answer)) throw new FileRefused(answer)
    return answer
  }
}

/**
 * Runs what an operation of this room does to an entry of the file. What it refuses is said of that entry; what it
 * answers is not looked at, because the snapshot does not have it yet.
 */
export async function at(path: string, operation: () => Promise<unknown>): Promise<void> {
  try {
    await operation()
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error
    const { failure } = error
    refuse(path, 'message' in failure ? failure.message : `is refused: ${failure.failure}`)
  }
}

/** Objects with their members in order: how an entry is written does not matter. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(
    members
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, member]) => [name, inOrder(member)]),
  )
}

type HashedTable =
  | 'customers'
  | 'teams'
  | 'virtual_keys'
  | 'model_configs'
  | 'routing_rules'
  | 'pricing_overrides'
  | 'budgets'
  | 'rate_limits'

/** The digest of the entry that last wrote something; undefined where it is not stored. */
export async function storedHash(
  transaction: Transaction<Schema>,
  table: HashedTable,
  id: string,
): Promise<string | null | undefined> {
  const row = await transaction
    .selectFrom(table)
    .select('config_hash')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.config_hash
}

/** Ids of all that is stored and that the file does not name. */
export async function idsBeyond(
  transaction: Transaction<Schema>,
  table: HashedTable,
  named: readonly string[],
): Promise<readonly string[]> {
  const rows = await transaction.selectFrom(table).select('id').execute()
  const known = new Set(named)
  return rows.map(({ id }) => id).filter((id) => !known.has(id))
}
