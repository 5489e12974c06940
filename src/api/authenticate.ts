import type { Failure } from '../domain/failure.ts'
import type { WorkspaceId } from '../domain/ids.ts'
import type { AdminKeyFact, WorkspaceKeyType } from '../tenancy/facts.ts'
import type { Snapshot } from '../tenancy/snapshot.ts'
import type { Caller } from '../tenancy/write.ts'

/** What credentials are looked up in. */
export interface Registry {
  snapshot(): Snapshot
  digestOf(credential: string): Buffer
}

const managingTypes: ReadonlySet<WorkspaceKeyType> = new Set(['PERSONAL', 'WORKSPACE_MANAGE_ALL'])

/**
 * The caller of a request to a workspace's management API: who it is, whether its workspace is onboarded, whether
 * its key may manage, in this order.
 *
 * An admin key acts as a personal key of the workspace that `workspaceHeader` names, `default` where it is absent.
 * Keys that call models are nobody here.
 */
export function authenticate(
  registry: Registry,
  authorization: string | undefined,
  workspaceHeader: string | undefined,
): Caller | Failure {
  const credential = readCredential(authorization)
  if (credential === null) {
    return { failure: 'unauthenticated', reason: authorization === undefined ? 'missing' : 'malformed' }
  }
  const snapshot = registry.snapshot()
  const digest = registry.digestOf(credential.value)
  const admin = snapshot.findAdminKey(digest)
  const key = credential.isBasic || admin ? null : snapshot.findWorkspaceKey(digest)
  const holder = admin
    ? {
        workspaceId: (workspaceHeader ?? 'default') as WorkspaceId,
        type: 'PERSONAL' as const,
        actor: `admin_key:${admin.id}`,
      }
    : key && { workspaceId: key.workspaceId, type: key.type, actor: `workspace_key:${key.id}` }
  if (holder === null) return { failure: 'unauthenticated', reason: 'unknown' }

  const { workspaceId, type, actor } = holder
  if (!snapshot.workspace(workspaceId)?.onboarded)
    return { failure: 'forbidden', what: 'onboarding', name: '' }
  if (!managingTypes.has(type)) return { failure: 'forbidden', what: 'scope', name: '' }
  return { workspaceId, actor }
}

/** The admin key that an Authorization header carries; null for any other credential, or none. */
export function findOperator(registry: Registry, authorization: string | undefined): AdminKeyFact | null {
  const credential = readCredential(authorization)
  return credential && registry.snapshot().findAdminKey(registry.digestOf(credential.value))
}

/** `Api-Key K`, `Bearer K`, or Basic with the user `admin`, whose password is an admin key. */
function readCredential(authorization: string | undefined): { value: string; isBasic: boolean } | null {
  const [, scheme = '', value = ''] = /^([A-Za-z-]+) +(\S+) *$/.exec(authorization ?? '') ?? []
  switch (scheme.toLowerCase()) {
    case 'api-key':
    case 'bearer':
      return { value, isBasic: false }
    case 'basic': {
      const [, user, password = ''] = /^([^:]*):(.+)$/s.exec(Buffer.from(value, 'base64').toString()) ?? []
      return user === 'admin' ? { value: password, isBasic: true } : null
    }
    default:
      return null
  }
}
