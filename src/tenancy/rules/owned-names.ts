import type { Failure } from '../../domain/failure.ts'

/** A slug prefix or a domain that another workspace has. */
export interface OwnedName {
  readonly member: 'slug_prefixes' | 'domains'
  readonly name: string
  readonly workspaceId: string
}

/** A slug prefix and a domain belong to one workspace. `place` is the path to its members, empty or with a dot at its end. */
export function ownedByAnother(taken: OwnedName | null, place = ''): Failure | null {
  if (taken === null) return null
  const { member, name, workspaceId } = taken
  return { failure: 'conflict', message: `${place}${member}: ${name} belongs to workspace ${workspaceId}` }
}
