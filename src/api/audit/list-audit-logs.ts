import { z } from 'zod'
import { toRfc3339 } from '../../domain/time.ts'
import type { AuditEntry } from '../../tenancy/audit.ts'
import { pageOf, pageSize, paging, toPage } from '../paging.ts'
import { route } from '../route.ts'
import { AuditLogEntry } from './schemas.ts'

export const listAuditLogs = route({
  method: 'GET',
  path: '/v1/audit_logs',
  tag: 'Audit',
  summary: 'Lists what was done in the workspace',
  description: 'Newest first: who has changed which endpoint, group, key or signing secret.',
  query: z.object({ ...paging, limit: pageSize(20, 200) }),
  returns: pageOf(AuditLogEntry),
  refuses: { 400: 'A limit or cursor that is none of ours' },

  async handle({ filter: { limit, cursor = null }, caller, tenancy }) {
    return toPage(await tenancy.listAudit(caller.workspaceId, { limit, cursor }), toEntry)
  },
})

/** Actors are a kind and an id, such as `workspace_key:wk_01`, or a part of the gateway, such as `installation`. */
function toEntry({ id, at, action, actor, details }: AuditEntry): z.output<typeof AuditLogEntry> {
  const [, keyId = null] = /^(?:workspace|admin)_key:(.+)$/.exec(actor) ?? []
  return {
    id,
    created: toRfc3339(at),
    event_type: action,
    event_data: { event_type: action, ...details },
    source: keyId === null ? 'OTHER' : 'API',
    actor: {
      type: keyId === null ? 'BASETEN_SYSTEM' : 'API_KEY',
      id: keyId ?? actor,
      email: null,
      api_key_prefix: null,
    },
  }
}
