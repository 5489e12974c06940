import { lookup } from 'node:dns'
import { bundledCatalog } from '../../src/catalog/bundled.ts'
import { isFailure } from '../../src/domain/failure.ts'
import { openEgress } from '../../src/upstream/egress.ts'

const egress = openEgress({ trusted: [], allowPrivate: [], origins: new Map() }, lookup)
if (isFailure(egress)) throw new Error('rules without networks are always rules')

/** What management reaches out with, for tests of other parts of it: to nowhere private, for nobody without a credential. */
export const setupServices = {
  egress,
  isPublicHost: async () => false,
  mayStandOpen: false,
  catalog: bundledCatalog,
} as const
