import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { numbered, numberedPaging, numbersOf, readPaging } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { PricingOverride } from './schemas.ts'
import { toPricingOverride } from './shape.ts'

export const listPricingOverrides = governanceRoute({
  method: 'GET',
  path: '/api/governance/pricing-overrides',
  operationId: 'listPricingOverrides',
  tag: 'Pricing overrides',
  summary: 'Lists pricing overrides',
  description: 'Oldest first. All of them, unless `limit`, `offset` or `search` is given.',
  query: z.object({
    scope_kind: z.string().optional().describe('Of this kind only.'),
    virtual_key_id: z.string().optional().describe('Of this virtual key only.'),
    provider_id: z.string().optional().describe('Of this provider only.'),
    provider_key_id: z.string().optional().describe('Of this key of a provider only.'),
    search: z.string().optional().describe('Part of the name, whatever the case of letters from A to Z.'),
    ...numberedPaging,
  }),
  returns: z.object({ pricing_overrides: z.array(PricingOverride), ...numbered }),
  refuses: { 400: 'A parameter that is not valid' },

  async handle({ filter, tenancy, principal }) {
    const read = readPaging(filter, (filter.search ?? '') !== '')
    if (isFailure(read)) return read
    const { paging } = read
    const { overrides, total } = await tenancy.listPricingOverrides(
      {
        scopeKind: filter.scope_kind || null,
        virtualKeyId: filter.virtual_key_id || null,
        providerId: filter.provider_id || null,
        providerKeyId: filter.provider_key_id || null,
        search: filter.search || null,
        onlyOfKey: visibleTo(principal, tenancy.snapshot().governance).key?.id ?? null,
      },
      paging,
    )
    return {
      pricing_overrides: overrides.map(toPricingOverride),
      ...numbersOf(overrides.length, total, paging),
    }
  },
})
