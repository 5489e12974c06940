import type { z } from 'zod'
import { catalogIn } from '../../../tenancy/governance/prices/prices.ts'
import type { GovernanceWorld } from '../../../tenancy/governance/world.ts'
import type { PriceCatalog } from './schemas.ts'

/** The catalogue that a view prices calls by, in its wire form. */
export function toPriceCatalog(world: GovernanceWorld): z.output<typeof PriceCatalog> {
  const { importedPrices } = world
  const { version, checksum, size } = catalogIn(world)
  return {
    source: importedPrices === null ? 'bundled' : 'imported',
    version,
    checksum,
    models: size,
    ...(importedPrices === null ? {} : { imported_at: new Date(importedPrices.importedAt).toISOString() }),
  }
}
