import { z } from 'zod'
import { overrideScopes } from '../../../catalog/overrides.ts'
import { priceFields } from '../../../catalog/price-fields.ts'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import { requestTypes } from '../../../domain/request-type.ts'
import type { PricingOverrideInput } from '../../../tenancy/governance/prices/pricing-overrides.ts'
import { JsonNumber } from '../../exact-json.ts'
import { text } from '../../text.ts'
import { stampMembers } from '../limits/schemas.ts'

const patchMembers = Object.fromEntries(priceFields.map((field) => [field, z.number().optional()]))

const id = text(0, 255).nullish()

/** An override as it is sent. What is wrong with it is told in the words that clients know. */
export const PricingOverrideWish = z
  .object({
    name: text(0, 255).nullish(),
    scope_kind: text(0, 255)
      .nullish()
      .meta({
        enum: [...overrideScopes],
        description: 'Whose calls it prices: exactly these ids are needed.',
      }),
    virtual_key_id: id,
    provider_id: id.describe("The provider's name."),
    provider_key_id: id.describe('The `key_id` of a provider’s key.'),
    match_type: text(0, 255)
      .nullish()
      .meta({ enum: ['exact', 'wildcard'] }),
    pattern: text(0, 512)
      .nullish()
      .describe('A model’s name in any case; a wildcard ends with its only `*`.'),
    request_types: z
      .array(text(0, 255))
      .max(100)
      .nullish()
      .describe(`Streaming or not: ${requestTypes.map((type) => `\`${type}\``).join(', ')}.`),
    patch: z
      .record(z.string(), z.unknown())
      .nullish()
      .meta({
        type: 'object',
        properties: Object.fromEntries(
          priceFields.map((field) => [field, { type: ['number', 'null'], minimum: 0, maximum: 1_000_000 }]),
        ),
        additionalProperties: false,
        description: 'US dollars per unit. Replaces these prices of the catalogue, and no others.',
      }),
  })
  .meta({
    id: 'PricingOverrideWish',
    example: {
      name: 'Our contract',
      scope_kind: 'provider',
      provider_id: 'openai',
      match_type: 'wildcard',
      pattern: 'gpt-4o*',
      request_types: ['chat_completion', 'responses'],
      patch: { input_cost_per_token: 0.000002, output_cost_per_token: 0.000008 },
    },
  })

export const PricingOverride = z
  .object({
    id: z.string(),
    name: z.string(),
    scope_kind: z.enum(overrideScopes),
    virtual_key_id: z.string().optional(),
    provider_id: z.string().optional(),
    provider_key_id: z.string().optional(),
    match_type: z.enum(['exact', 'wildcard']),
    pattern: z.string(),
    request_types: z.array(z.enum(requestTypes)),
    patch: z.object(patchMembers).meta({ id: 'PricePatch', description: 'US dollars per unit.' }),
    pricing_patch: z.string().describe('`patch` as a text of JSON, to the digit.'),
    ...stampMembers,
  })
  .meta({
    id: 'PricingOverride',
    description: "Prices of the operator's own, for some models of some calls.",
  })

/** An override as it is sent, as the wish that it is. Prices come as the digits that were sent. */
export function fromPricingOverride(
  body: z.output<typeof PricingOverrideWish>,
): PricingOverrideInput | Failure {
  const patch = body.patch == null ? undefined : fromPatch(body.patch)
  if (isFailure(patch)) return patch
  return {
    name: body.name ?? undefined,
    scopeKind: body.scope_kind ?? undefined,
    virtualKeyId: idIn(body.virtual_key_id),
    providerId: idIn(body.provider_id),
    providerKeyId: idIn(body.provider_key_id),
    matchType: body.match_type ?? undefined,
    pattern: body.pattern ?? undefined,
    requestTypes: body.request_types ?? undefined,
    patch: patch?.prices,
  }
}

/** Null, or empty: none. */
function idIn(given: string | null | undefined): string | null | undefined {
  return given === '' ? null : given
}

/** A price that is null is none. */
function fromPatch(
  given: Readonly<Record<string, unknown>>,
): { readonly prices: Readonly<Record<string, string>> } | Failure {
  const prices: Record<string, string> = {}
  for (const [field, price] of Object.entries(given)) {
    if (price === null) continue
    if (price instanceof JsonNumber) prices[field] = price.text
    // It is no price of ours, or this would have its digits: whoever judges it says so.
    else if (typeof price === 'number') prices[field] = String(price)
    else return { failure: 'invalid', message: `${field} must be a number` }
  }
  return { prices }
}
