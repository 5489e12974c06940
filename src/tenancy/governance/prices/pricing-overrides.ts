import { type Failure, isFailure } from '../../../domain/failure.ts'
import { isKnownProvider } from '../../../providers/table.ts'
import type { Operator, Write } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { PricingOverrideFact } from '../facts.ts'
import { canBeStored, contains, type Paging, readPageOfIds } from '../numbered-page.sql.ts'
import { present } from '../owners/members.ts'
import { bury } from '../owners/tombstones.sql.ts'
import { isThere, readProviderNames, readProviderOfKey } from '../references.sql.ts'
import { newUuid } from '../uuid.ts'
import { checkOverride, type GivenOverride, type OverrideTerms } from './pricing-override-rules.ts'
import {
  deletePricingOverrideRow,
  readPricingOverride,
  writePricingOverride,
} from './pricing-overrides.sql.ts'

/** Members left out stay as they are, or are nothing. `patch` replaces the whole of it. */
export type PricingOverrideInput = {
  readonly [Member in keyof GivenOverride]?: GivenOverride[Member] | undefined
}

export interface PricingOverrideFilter {
  readonly scopeKind: string | null
  readonly virtualKeyId: string | null
  readonly providerId: string | null
  readonly providerKeyId: string | null
  readonly search: string | null
  /** None but those of this virtual key; null: all. */
  readonly onlyOfKey: string | null
}

export interface PricingOverrides {
  /** Oldest first. `total` counts all pages. */
  listPricingOverrides(
    filter: PricingOverrideFilter,
    paging: Paging,
  ): Promise<{ readonly overrides: readonly PricingOverrideFact[]; readonly total: number }>
  createPricingOverride(
    operator: Operator,
    input: PricingOverrideInput,
  ): Promise<PricingOverrideFact | Failure>
  updatePricingOverride(
    operator: Operator,
    id: string,
    input: PricingOverrideInput,
  ): Promise<PricingOverrideFact | Failure>
  deletePricingOverride(operator: Operator, id: string): Promise<PricingOverrideFact | Failure>
}

const noOverride: Failure = { failure: 'not_found', what: 'pricing_override' }

export function pricingOverridesOf(context: GovernanceContext): PricingOverrides {
  const { read, kind, write, world, random } = context

  return {
    async listPricingOverrides({ search, onlyOfKey, ...filter }, paging) {
      const columns = [
        ['scope_kind', filter.scopeKind],
        ['virtual_key_id', filter.virtualKeyId],
        ['virtual_key_id', onlyOfKey],
        ['provider_id', filter.providerId],
        ['provider_key_id', filter.providerKeyId],
      ] as const
      const texts = [search, ...columns.map(([, text]) => text)].filter((text) => text !== null)
      if (!texts.every(canBeStored)) return { overrides: [], total: 0 }
      let query = read.selectFrom('pricing_overrides')
      for (const [column, text] of columns) if (text !== null) query = query.where(column, '=', text)
      if (search !== null) query = query.where(contains(kind, 'name', search))
      const page = await readPageOfIds(query, paging)
      return { overrides: present(page.ids, world().pricingOverride), total: page.total }
    },

    createPricingOverride(operator, input) {
      return write<PricingOverrideFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const terms = await judge(it, { ...nothing, ...saidIn(input) })
        if (isFailure(terms)) return terms
        const { revision, at } = await it.begin()
        const id = newUuid(random)
        const fact = { id, ...terms, configHash: null, createdAt: at, updatedAt: at }
        await writePricingOverride(it.transaction, fact, revision)
        await it.audit('PRICING_OVERRIDE_CREATED', id, { pricing_override_id: id, name: fact.name })
        return fact
      })
    },

    updatePricingOverride(operator, id, input) {
      return write<PricingOverrideFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const before = await readPricingOverride(it.transaction, id)
        if (before === null) return noOverride
        const movesScope = input.scopeKind !== undefined && input.scopeKind !== before.scopeKind
        const terms = await judge(it, { ...before, ...(movesScope ? noIds : {}), ...saidIn(input) })
        if (isFailure(terms)) return terms
        const { revision, at } = await it.begin()
        const fact = { ...before, ...terms, updatedAt: Math.max(at, before.updatedAt + 1) }
        await writePricingOverride(it.transaction, fact, revision)
        const changed = Object.keys(saidIn(input))
        await it.audit('PRICING_OVERRIDE_UPDATED', id, { pricing_override_id: id, changed })
        return fact
      })
    },

    deletePricingOverride(operator, id) {
      return write<PricingOverrideFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const override = await readPricingOverride(it.transaction, id)
        if (override === null) return noOverride
        const { revision } = await it.begin()
        await deletePricingOverrideRow(it.transaction, id)
        await bury(it.transaction, 'pricing_override', id, revision)
        await it.audit('PRICING_OVERRIDE_DELETED', id, { pricing_override_id: id, name: override.name })
        return override
      })
    },
  }
}

const noIds = { virtualKeyId: null, providerId: null, providerKeyId: null }

const nothing: GivenOverride = {
  name: '',
  scopeKind: '',
  ...noIds,
  matchType: '',
  pattern: '',
  requestTypes: [],
  patch: {},
}

function saidIn(input: PricingOverrideInput): Partial<GivenOverride> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
}

async function judge(it: Write, given: GivenOverride): Promise<OverrideTerms | Failure> {
  const terms = checkOverride(given)
  if (isFailure(terms)) return terms
  const stray = await strayIn(it, terms)
  return stray === null ? terms : { failure: 'invalid', message: stray }
}

/** Whom an override is for is not there; null where it is. */
async function strayIn({ transaction }: Write, terms: OverrideTerms): Promise<string | null> {
  const { virtualKeyId, providerId, providerKeyId } = terms
  const isKey = async (id: string) => canBeStored(id) && (await isThere(transaction, 'virtual_keys', id))
  if (virtualKeyId !== null && !(await isKey(virtualKeyId))) return `virtual key '${virtualKeyId}' not found`
  const isProvider = async (name: string) =>
    isKnownProvider(name) || (await readProviderNames(transaction)).has(name)
  if (providerId !== null && !(await isProvider(providerId))) return `provider '${providerId}' not found`
  if (providerKeyId === null) return null
  const owner = canBeStored(providerKeyId) ? await readProviderOfKey(transaction, providerKeyId) : null
  if (owner === null) return `provider key '${providerKeyId}' not found`
  const isForeign = providerId !== null && owner !== providerId
  return isForeign ? `provider key '${providerKeyId}' does not belong to provider '${providerId}'` : null
}
