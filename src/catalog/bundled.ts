import type { RequestType } from '../domain/request-type.ts'
import sheet from './catalog.json' with { type: 'json' }
import { type Catalog, type CatalogModel, catalogOf } from './catalog.ts'
import { isSheetFault, readSheet } from './price-sheet.ts'

interface BundledSheet {
  /** The day up to which its source knows. */
  readonly version: string
  /** The package that it was made from. */
  readonly source: string
  /** Of the models, as `checksumOf` takes it. */
  readonly checksum: string
  readonly models: readonly BundledModel[]
}

interface BundledModel {
  readonly provider: string
  readonly model: string
  readonly requestType: RequestType
  readonly maxInputTokens: number | null
  readonly maxOutputTokens: number | null
  /** Dollars per unit, as text: a number would lose digits. */
  readonly prices: Readonly<Record<string, string>>
}

let bundled: Catalog | null = null

/** The catalogue that comes with the product. It is built on first use, and only once: it never changes. */
export function bundledCatalog(): Catalog {
  bundled ??= build(sheet as unknown as BundledSheet)
  return bundled
}

function build({ version, checksum, models }: BundledSheet): Catalog {
  return catalogOf(version, checksum, models.map(modelOf))
}

function modelOf(bundledModel: BundledModel): CatalogModel {
  const prices = readSheet(bundledModel.prices)
  if (isSheetFault(prices)) {
    throw new Error(`catalog.json: ${bundledModel.model}: ${prices.field} is ${prices.fault}`)
  }
  return { ...bundledModel, prices }
}
