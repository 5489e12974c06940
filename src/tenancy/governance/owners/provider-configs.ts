import type { Transaction } from 'kysely'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import { isKnownProvider } from '../../../providers/table.ts'
import type { Schema } from '../../../store/schema.ts'
import type { Write } from '../../write.ts'
import { nextNumber } from '../context.ts'
import type { ProviderConfigFact } from '../facts.ts'
import { keyWording, type LimitsInput, type LimitsPlan, noLimits, planLimits } from '../limits/limits-plan.ts'
import { applyLimits, deleteLimits, type LimitsWrite } from '../limits/owned-limits.ts'
import { nameListFault } from '../name-list.ts'
import { countProviderKeys, readProvider } from '../providers/providers.sql.ts'
import { replaceProviderConfigs, type StoredProviderConfig } from './virtual-keys.sql.ts'

/** What somebody wants of one provider. What is left out stays as it is, or is nothing. */
export interface ProviderConfigInput {
  /** Of a config that the key has. */
  readonly id?: number | undefined
  readonly provider?: string | undefined
  readonly weight?: number | null | undefined
  readonly allowedModels?: readonly string[] | undefined
  readonly blacklistedModels?: readonly string[] | undefined
  /** `*` alone: all of the provider. */
  readonly keyIds?: readonly string[] | undefined
  readonly limits: LimitsInput
}

/** What a key's provider configs are to be: legal, as long as the write lasts. */
export interface ProviderConfigsPlan {
  readonly steps: readonly ProviderConfigStep[]
  readonly dropped: readonly ProviderConfigFact[]
}

interface ProviderConfigStep extends Matched {
  readonly limits: LimitsPlan
}

/** A wish with the config that it is about, null where that is a new one, and what comes out of both. */
interface Matched {
  readonly input: ProviderConfigInput
  readonly known: ProviderConfigFact | null
  readonly next: Omit<StoredProviderConfig, 'id' | 'virtualKeyId'>
}

/**
 * Judges a full set of provider configs against those that a key has. One of the new set is an old one by its id, else by
 * its provider, and keeps its id and what its limits have counted; the others of the old ones go. Each rule is judged
 * for all of them before the next one is.
 */
export async function planProviderConfigs(
  transaction: Transaction<Schema>,
  known: readonly ProviderConfigFact[],
  inputs: readonly ProviderConfigInput[],
  alignedByDefault: boolean,
): Promise<ProviderConfigsPlan | Failure> {
  const matched = match(known, inputs)
  if (isFailure(matched)) return matched
  const fault =
    unnamed(matched) ??
    (await unknownProvider(transaction, matched)) ??
    repeatedProvider(matched) ??
    malformedList(matched) ??
    negativeWeight(matched) ??
    (await missingKeys(transaction, matched))
  if (fault) return fault
  const steps: ProviderConfigStep[] = []
  for (const config of matched) {
    const limits = planLimits(config.known ?? noLimits, config.input.limits, alignedByDefault, keyWording)
    if (isFailure(limits)) return limits
    steps.push({ ...config, limits })
  }
  const kept = new Set(matched.map(({ known: old }) => old))
  return { steps, dropped: known.filter((config) => !kept.has(config)) }
}

/** Brings a key's provider configs, and their limits, to what was planned. */
export async function applyProviderConfigs(
  write: LimitsWrite,
  virtualKeyId: string,
  { steps, dropped }: ProviderConfigsPlan,
): Promise<void> {
  const { it } = write
  await deleteLimits(it, dropped)
  const configs = await numbered(it, virtualKeyId, steps)
  await replaceProviderConfigs(it.transaction, virtualKeyId, configs)
  for (const [at, { known, limits }] of steps.entries()) {
    const owner = { kind: 'provider_config', id: String(configs[at]?.id) } as const
    await applyLimits(write, owner, known ?? noLimits, limits)
  }
}

async function numbered(
  { transaction }: Write,
  virtualKeyId: string,
  steps: readonly ProviderConfigStep[],
): Promise<StoredProviderConfig[]> {
  const configs: StoredProviderConfig[] = []
  for (const { known, next } of steps) {
    const id = known?.id ?? (await nextNumber(transaction, 'provider_config'))
    configs.push({ id, virtualKeyId, ...next })
  }
  return configs
}

function match(
  known: readonly ProviderConfigFact[],
  inputs: readonly ProviderConfigInput[],
): Matched[] | Failure {
  const free = new Map(known.map((config) => [config.id, config]))
  const byId = new Map<ProviderConfigInput, ProviderConfigFact>()
  for (const input of inputs) {
    if (input.id === undefined) continue
    const own = free.get(input.id)
    if (own === undefined) return invalid(`provider config ${input.id} does not belong to this virtual key`)
    free.delete(input.id)
    byId.set(input, own)
  }
  return inputs.map((input) => {
    const own =
      byId.get(input) ?? [...free.values()].find(({ provider }) => provider === input.provider) ?? null
    if (own !== null) free.delete(own.id)
    return { input, known: own, next: merged(own, input) }
  })
}

function merged(known: ProviderConfigFact | null, input: ProviderConfigInput): Matched['next'] {
  const keys =
    input.keyIds === undefined
      ? { allowAllKeys: known?.allowAllKeys ?? false, keyIds: known?.keyIds ?? [] }
      : input.keyIds.includes('*')
        ? { allowAllKeys: true, keyIds: [] }
        : { allowAllKeys: false, keyIds: input.keyIds }
  return {
    provider: input.provider ?? known?.provider ?? '',
    weight: input.weight === undefined ? (known?.weight ?? null) : input.weight,
    allowedModels: input.allowedModels ?? known?.allowedModels ?? [],
    blacklistedModels: input.blacklistedModels ?? known?.blacklistedModels ?? [],
    ...keys,
  }
}

function unnamed(configs: readonly Matched[]): Failure | null {
  const isUnnamed = configs.some(({ next }) => next.provider.trim() === '')
  return isUnnamed ? invalid('provider name is required') : null
}

async function unknownProvider(
  transaction: Transaction<Schema>,
  configs: readonly Matched[],
): Promise<Failure | null> {
  for (const { known, next } of configs) {
    const { provider } = next
    // One that was removed since may stay where it was: it serves nobody.
    const isNamedAlready = known?.provider === provider
    if (isNamedAlready || isKnownProvider(provider)) continue
    if ((await readProvider(transaction, provider)) === null)
      return invalid(`invalid provider name: ${provider}`)
  }
  return null
}

function repeatedProvider(configs: readonly Matched[]): Failure | null {
  const seen = new Set<string>()
  for (const { next } of configs) {
    if (seen.has(next.provider)) {
      return invalid(`duplicate provider in provider_configs: ${next.provider}`)
    }
    seen.add(next.provider)
  }
  return null
}

function malformedList(configs: readonly Matched[]): Failure | null {
  for (const { input, next } of configs) {
    const lists = {
      allowed_models: input.allowedModels,
      blacklisted_models: input.blacklistedModels,
      key_ids: input.keyIds,
    }
    for (const [member, names] of Object.entries(lists)) {
      const why = nameListFault(names ?? [])
      if (why !== null) return invalid(`invalid ${member} for provider ${next.provider}: ${why}`)
    }
  }
  return null
}

function negativeWeight(configs: readonly Matched[]): Failure | null {
  const negative = configs.find(({ next }) => next.weight !== null && next.weight < 0)
  return negative ? invalid(`weight for provider ${negative.next.provider} cannot be negative`) : null
}

/** Those that are named anew; keys that were removed since may stay where they were. */
async function missingKeys(
  transaction: Transaction<Schema>,
  configs: readonly Matched[],
): Promise<Failure | null> {
  for (const { input, known, next } of configs) {
    const { provider, keyIds } = next
    const isUntouched = input.keyIds === undefined && known?.provider === provider
    if (isUntouched || keyIds.length === 0) continue
    const found = await countProviderKeys(transaction, provider, keyIds)
    if (found < keyIds.length) {
      return invalid(
        `some keys not found for provider ${provider}: expected ${keyIds.length}, found ${found}`,
      )
    }
  }
  return null
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
