import { z } from 'zod'
import { AdminKey as Section } from '../../../config/schema.ts'
import { toRfc3339 } from '../../../domain/time.ts'
import type { MintedAdminKey } from '../../../tenancy/keys/admin-keys.ts'
import type { AdminKeyRecord } from '../../../tenancy/records.ts'
import { timestamp } from '../../text.ts'
import { inFile, shownOnce } from '../members.ts'

const { name, value } = Section.shape

export const AdminKey = z
  .object({ id: z.string(), name: z.string(), in_file: inFile, created_at: timestamp })
  .meta({ id: 'AdminKey', description: 'All that is ever shown of a key once it was made.' })

export const NewAdminKey = z
  .strictObject({ name, value: value.optional().describe('The key itself; left out, one is made.') })
  .meta({ id: 'NewAdminKey' })

export const RotatedAdminKey = z
  .strictObject({ value: value.optional().describe('The new key; left out, one is made.') })
  .meta({ id: 'RotatedAdminKey' })

export const MintedKey = AdminKey.extend({ value: shownOnce }).meta({ id: 'MintedAdminKey' })

export function toAdminKey({ id, name, isInFile, createdAt }: AdminKeyRecord): z.output<typeof AdminKey> {
  return { id, name, in_file: isInFile, created_at: toRfc3339(createdAt) }
}

export function toMinted(key: MintedAdminKey): z.output<typeof MintedKey> {
  return { ...toAdminKey(key), ...(key.value !== null && { value: key.value }) }
}
