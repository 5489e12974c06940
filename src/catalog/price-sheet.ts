import { type MoneyFault, readPrice } from '../domain/money.ts'
import { isPriceField, type PriceField } from './price-fields.ts'

/** What one model costs, in 1e-18 dollars per unit. What is absent has no price; 0 is a price. */
export type PriceSheet = Readonly<Partial<Record<PriceField, bigint>>>

/** The first member that is no price. `unknown`: no sheet has such a member. */
export interface SheetFault {
  readonly field: string
  readonly fault: MoneyFault | 'unknown'
}

/** Reads prices from the texts of their JSON numbers, in dollars per unit. */
export function readSheet(members: Readonly<Record<string, string>>): PriceSheet | SheetFault {
  const sheet: Partial<Record<PriceField, bigint>> = {}
  for (const [field, text] of Object.entries(members)) {
    if (!isPriceField(field)) return { field, fault: 'unknown' }
    const price = readPrice(text)
    if (typeof price !== 'bigint') return { field, fault: price }
    sheet[field] = price
  }
  return sheet
}

export function isSheetFault(value: PriceSheet | SheetFault): value is SheetFault {
  return 'fault' in value
}

/** A sheet with the members that a patch sets replaced; a model without a sheet has those members alone. */
export function applyPatch(sheet: PriceSheet | null, patch: PriceSheet): PriceSheet {
  return { ...sheet, ...patch }
}

/** A price in dollars per unit, in exact decimal digits without an exponent; `readPrice` reads it back unchanged. */
export function priceText(price: bigint): string {
  const digits = String(price).padStart(19, '0')
  const fraction = digits.slice(-18).replace(/0+$/, '')
  return `${digits.slice(0, -18)}${fraction === '' ? '' : `.${fraction}`}`
}
