import { z } from 'zod'
import { workspaceMembers } from '../../../config/schema.ts'
import { inLowerCase } from '../../../tenancy/rules/host-name.ts'
import { timestamp } from '../../text.ts'
import { distinct, inFile } from '../members.ts'

const { id, name, onboarded, registration_public_key, slug_prefixes, domains } = workspaceMembers

const lists = {
  slug_prefixes: distinct(slug_prefixes, 'slug_prefixes'),
  domains: distinct(domains, 'domains', inLowerCase),
}

export const Workspace = z
  .object({
    id: z.string(),
    name: z.string(),
    onboarded: z.boolean(),
    slug_prefixes: z.array(z.string()),
    domains: z.array(z.string()),
    registration_public_key: z.string().nullable(),
    in_file: inFile,
    created_at: timestamp,
  })
  .meta({ id: 'Workspace' })

export const NewWorkspace = z
  .strictObject({
    id,
    name: name.optional(),
    onboarded: onboarded.default(true),
    slug_prefixes: lists.slug_prefixes.default([]),
    domains: lists.domains.default([]),
    registration_public_key: registration_public_key.optional(),
  })
  .meta({ id: 'NewWorkspace' })

export const WorkspacePatch = z
  .strictObject({
    name: name.optional(),
    onboarded: onboarded.optional(),
    slug_prefixes: lists.slug_prefixes.optional(),
    domains: lists.domains.optional(),
    registration_public_key: registration_public_key.nullable().optional().describe('Null takes it away.'),
  })
  .refine((patch) => Object.keys(patch).length > 0, 'must have at least one member to change')
  .meta({ id: 'WorkspacePatch' })

export const DeletedWorkspace = z
  .object({ id: z.string(), deleted_at: timestamp })
  .meta({ id: 'DeletedWorkspace' })

export const NewDomain = z.strictObject({ domain: domains.element }).meta({ id: 'NewDomain' })
