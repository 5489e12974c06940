import { z } from 'zod'
import { WorkspaceSecret as Section } from '../../../config/schema.ts'
import { toRfc3339 } from '../../../domain/time.ts'
import type { SecretRecord } from '../../../tenancy/records.ts'
import { timestamp } from '../../text.ts'
import { inFile } from '../members.ts'

const { id, value } = Section.shape

export const WorkspaceSecret = z
  .object({ id: z.string(), in_file: inFile, created_at: timestamp, updated_at: timestamp })
  .meta({ id: 'WorkspaceSecret', description: 'All that is ever shown of a secret: never its value.' })

export const NewSecret = z
  .strictObject({ id, value: value.describe('The credential. It is sealed, and never shown again.') })
  .meta({ id: 'NewSecret' })

export const RotatedSecret = z.strictObject({ value }).meta({ id: 'RotatedSecret' })

export function toSecret(secret: SecretRecord): z.output<typeof WorkspaceSecret> {
  return {
    id: secret.id,
    in_file: secret.isInFile,
    created_at: toRfc3339(secret.createdAt),
    updated_at: toRfc3339(secret.updatedAt),
  }
}
