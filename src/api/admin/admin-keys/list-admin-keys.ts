import { z } from 'zod'
import { pageOf, paging, toPage } from '../../paging.ts'
import { adminRoute } from '../route.ts'
import { AdminKey, toAdminKey } from './schemas.ts'

export const listAdminKeys = adminRoute({
  method: 'GET',
  path: '/api/admin/admin_keys',
  operationId: 'listAdminKeys',
  tag: 'Admin keys',
  summary: 'Lists admin keys',
  description: "The operator's keys, oldest first. Revoked ones are not listed.",
  query: z.object(paging),
  returns: pageOf(AdminKey),
  refuses: { 400: 'A limit or cursor that is none of ours' },

  async handle({ filter: { limit, cursor = null }, tenancy }) {
    return toPage(await tenancy.pageAdminKeys({ limit, cursor }), toAdminKey)
  },
})
