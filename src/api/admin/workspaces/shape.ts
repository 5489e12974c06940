import type { z } from 'zod'
import { toRfc3339 } from '../../../domain/time.ts'
import type { WorkspaceRecord } from '../../../tenancy/records.ts'
import type { Workspace } from './schemas.ts'

export function toWorkspace(workspace: WorkspaceRecord): z.output<typeof Workspace> {
  return {
    id: workspace.id,
    name: workspace.name,
    onboarded: workspace.onboarded,
    slug_prefixes: [...workspace.slugPrefixes],
    domains: [...workspace.domains],
    registration_public_key: workspace.registrationPublicKey,
    in_file: workspace.isInFile,
    created_at: toRfc3339(workspace.createdAt),
  }
}
