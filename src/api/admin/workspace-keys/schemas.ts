import { z } from 'zod'
import { WorkspaceKey as Section } from '../../../config/schema.ts'
import { toRfc3339 } from '../../../domain/time.ts'
import type { MintedWorkspaceKey } from '../../../tenancy/keys/workspace-keys.ts'
import type { WorkspaceKeyRecord } from '../../../tenancy/records.ts'
import { timestamp } from '../../text.ts'
import { inFile, shownOnce } from '../members.ts'

const { name, value, type } = Section.shape

export const WorkspaceKey = z
  .object({ id: z.string(), name: z.string(), type, in_file: inFile, created_at: timestamp })
  .meta({ id: 'WorkspaceKey', description: 'All that is ever shown of a key once it was made.' })

export const NewWorkspaceKey = z
  .strictObject({
    name,
    type: type.default('WORKSPACE_MANAGE_ALL'),
    value: value.optional().describe('The key itself; left out, one is made.'),
  })
  .meta({ id: 'NewWorkspaceKey' })

export const RotatedKey = z
  .strictObject({ value: value.optional().describe('The new key; left out, one is made.') })
  .meta({ id: 'RotatedWorkspaceKey' })

export const MintedKey = WorkspaceKey.extend({ value: shownOnce }).meta({ id: 'MintedWorkspaceKey' })

export function toKey(key: WorkspaceKeyRecord): z.output<typeof WorkspaceKey> {
  const { id, name, type, isInFile, createdAt } = key
  return { id, name, type, in_file: isInFile, created_at: toRfc3339(createdAt) }
}

export function toMinted(key: MintedWorkspaceKey): z.output<typeof MintedKey> {
  return { ...toKey(key), ...(key.value !== null && { value: key.value }) }
}
