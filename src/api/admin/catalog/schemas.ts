import { z } from 'zod'
import { timestamp } from '../../text.ts'

export const PriceCatalog = z
  .object({
    source: z.enum(['bundled', 'imported']).describe('What comes with the product, or a sheet of your own.'),
    version: z
      .string()
      .describe(
        'Of the bundled one the day up to which it knows, of an imported one a part of its checksum.',
      ),
    checksum: z.string().describe('SHA-256 of all models and prices, in hex.'),
    models: z.int().describe('How many: one for each provider, name and kind of request.'),
    imported_at: timestamp.optional(),
  })
  .meta({ id: 'PriceCatalog', description: 'The models and prices in force.' })

/** A price sheet is taken as the text that it came in: what JSON makes of its numbers would lose digits. */
export const PriceSheetText = z.string().meta({
  id: 'PriceSheet',
  type: 'object',
  description:
    "Models by name, in the members of LiteLLM's price sheet: `litellm_provider`, `mode`, `input_cost_per_token`, …",
  additionalProperties: { type: 'object' },
  example: {
    'acme/large': {
      litellm_provider: 'acme',
      mode: 'chat',
      input_cost_per_token: 0.000002,
      output_cost_per_token: 0.000008,
    },
  },
})
