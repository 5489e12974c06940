import { readCatalog } from '../../../catalog/read-catalog.ts'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { Operator } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { ImportedPrices } from '../facts.ts'
import { readSetting, type StoredPrices, writeSetting } from '../settings.sql.ts'

export interface PriceSheets {
  /** Takes a sheet in the place of all prices that come with the product; in force with the next call. */
  importPrices(operator: Operator, text: string): Promise<ImportedPrices | Failure>
  /** Brings those back. Nothing happens where they are in force. */
  dropPrices(operator: Operator): Promise<Failure | null>
}

export function priceSheetsOf({ write }: GovernanceContext): PriceSheets {
  return {
    async importPrices(operator, text) {
      const catalog = readCatalog(text)
      if (isFailure(catalog)) return catalog
      return write<ImportedPrices>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const stamp = await it.begin()
        const stored: StoredPrices = { text, importedAt: stamp.at }
        await writeSetting(it.transaction, 'price_sheet', stored, stamp)
        const { version, checksum, size } = catalog
        await it.audit('PRICES_IMPORTED', version, { version, checksum, models: size })
        return { catalog, importedAt: stamp.at }
      })
    },

    async dropPrices(operator) {
      const dropped = await write(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const stored = await readSetting<StoredPrices>(it.transaction, 'price_sheet')
        if (stored === null || stored.text === null) return 'nothing'
        const stamp = await it.begin()
        const none: StoredPrices = { text: null, importedAt: stamp.at }
        await writeSetting(it.transaction, 'price_sheet', none, stamp)
        await it.audit('PRICES_DROPPED', 'price_sheet', {})
        return 'done'
      })
      return isFailure(dropped) ? dropped : null
    },
  }
}
