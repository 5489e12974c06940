import { type Failure, isFailure } from '../../../domain/failure.ts'
import { isKnownProvider } from '../../../providers/table.ts'
import type { Operator, Write } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { OwnedLimits, ProviderLimitsFact } from '../facts.ts'
import { changedMembers } from '../owners/party.ts'
import { bury } from '../owners/tombstones.sql.ts'
import { readProviderNames } from '../references.sql.ts'
import { newUuid } from '../uuid.ts'
import { type LimitsInput, type LimitsPlan, modelWording, noLimits, planLimits } from './limits-plan.ts'
import { applyLimits, deleteLimits } from './owned-limits.ts'
import { deleteProviderLimitsRow, readProviderLimits, writeProviderLimits } from './provider-limits.sql.ts'

/** What a provider's limits are to somebody who reads them; there may be none. */
export type ProviderLimitsView = Pick<
  ProviderLimitsFact,
  'provider' | 'calendarAligned' | 'budgets' | 'rateLimit'
>

export interface ProviderLimits {
  /** Members left out stay as they are. A provider whose last limit goes is as if it never had any. */
  setProviderLimits(
    operator: Operator,
    provider: string,
    limits: LimitsInput,
  ): Promise<ProviderLimitsView | Failure>
  /** Null where it is done, or there was nothing to do. */
  deleteProviderLimits(operator: Operator, provider: string): Promise<Failure | null>
}

const noProvider: Failure = { failure: 'not_found', what: 'provider' }

export function providerLimitsOf(context: GovernanceContext): ProviderLimits {
  const { write, world, counters, newUlid, random } = context
  const newId = () => newUuid(random)

  return {
    async setProviderLimits(operator, provider, limits) {
      const written = await write(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        if (!(await isProvider(it, provider))) return noProvider
        const before = await readProviderLimits(it.transaction, provider)
        const plan = planLimits(before ?? noLimits, limits, before?.calendarAligned ?? false, modelWording)
        if (isFailure(plan)) return plan
        if (leavesNothing(before ?? noLimits, plan)) {
          if (before !== null) await removeAll(it, before, await it.begin())
          return provider
        }

        const stamp = await it.begin()
        await writeProviderLimits(it.transaction, {
          provider,
          calendar_aligned: (limits.calendarAligned ?? before?.calendarAligned) ? 1 : 0,
          config_hash: before?.configHash ?? null,
          created_at: before?.createdAt ?? stamp.at,
          updated_at: Math.max(stamp.at, (before?.updatedAt ?? 0) + 1),
          revision: stamp.revision,
        })
        const limitsWrite = { it, stamp, operator, counters, newUlid, newId }
        await applyLimits(limitsWrite, { kind: 'provider', id: provider }, before ?? noLimits, plan)
        await it.audit('PROVIDER_LIMITS_UPDATED', provider, { provider, changed: changedMembers({ limits }) })
        return provider
      })
      if (isFailure(written)) return written
      return world().providerLimits(provider) ?? { provider, calendarAligned: false, ...noLimits }
    },

    async deleteProviderLimits(operator, provider) {
      const deleted = await write(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const limits = await readProviderLimits(it.transaction, provider)
        if (limits === null && !(await isProvider(it, provider))) return noProvider
        if (limits !== null) await removeAll(it, limits, await it.begin())
        return provider
      })
      return isFailure(deleted) ? deleted : null
    },
  }
}

/** Takes a provider's limits away with the provider, in a write that has begun. */
export async function deleteLimitsOfProvider(
  it: Write,
  provider: string,
  stamp: { readonly revision: number },
): Promise<void> {
  const limits = await readProviderLimits(it.transaction, provider)
  if (limits !== null) await removeAll(it, limits, stamp)
}

async function removeAll(
  it: Write,
  limits: ProviderLimitsFact,
  { revision }: { readonly revision: number },
): Promise<void> {
  const { provider } = limits
  await deleteLimits(it, [limits])
  await deleteProviderLimitsRow(it.transaction, provider)
  await bury(it.transaction, 'provider_limits', provider, revision)
  await it.audit('PROVIDER_LIMITS_DELETED', provider, { provider })
}

async function isProvider({ transaction }: Write, name: string): Promise<boolean> {
  return isKnownProvider(name) || (await readProviderNames(transaction)).has(name)
}

function leavesNothing(before: OwnedLimits, { kept, made, rateLimit }: LimitsPlan): boolean {
  const isUnlimited = rateLimit === undefined ? before.rateLimit === null : rateLimit === null
  return kept.length === 0 && made.length === 0 && isUnlimited
}
