import { type Failure, isFailure } from '../../../domain/failure.ts'
import { insertModelConfig, updateModelConfig } from '../limits/model-configs.sql.ts'
import { modelConfigsOf } from '../limits/model-configs.ts'
import { writeProviderLimits } from '../limits/provider-limits.sql.ts'
import { providerLimitsOf } from '../limits/provider-limits.ts'
import { readPricingOverride, writePricingOverride } from '../prices/pricing-overrides.sql.ts'
import { pricingOverridesOf } from '../prices/pricing-overrides.ts'
import { deleteRoutingRuleRow, readRoutingRule, writeRoutingRule } from '../routing/routing-rules.sql.ts'
import { routingRulesOf } from '../routing/routing-rules.ts'
import type {
  ModelConfigDefinition,
  PricingOverrideDefinition,
  ProviderLimitsDefinition,
  RoutingRuleDefinition,
} from './definition.ts'
import { at, FileRefused, type FileWrite, fromFile, idsBeyond, refuse, storedHash } from './file-write.ts'
import { refuseStray } from './parties.ts'
import { isProvider, keyIdOf } from './providers.ts'

export async function writeModelConfigs(
  write: FileWrite,
  configs: readonly ModelConfigDefinition[],
): Promise<void> {
  const { it, context } = write
  for (const { id, calendarAligned, ...config } of configs) {
    const path = `governance.model_configs.${id}`
    const hash = write.digest([config, calendarAligned])
    const before = await storedHash(it.transaction, 'model_configs', id)
    if (!write.isToWrite(before, hash)) continue
    const scopeId = await scopeIdOf(write, path, config)
    const { revision, at: now } = await it.begin()
    if (before === undefined) {
      await insertModelConfig(it.transaction, {
        id,
        model_name: config.modelName,
        provider: config.provider,
        scope: config.scope,
        scope_id: scopeId,
        calendar_aligned: 0,
        config_hash: null,
        created_at: now,
        updated_at: now,
        revision,
      })
    }
    const input = { ...config, scopeId, limits: {} }
    await at(path, () => modelConfigsOf(context).updateModelConfig(fromFile, id, input))
    const columns = { calendar_aligned: Number(calendarAligned), config_hash: hash }
    await updateModelConfig(it.transaction, id, columns)
    await it.audit('MODEL_CONFIG_CONFIGURED', id, { model_config_id: id, model_name: config.modelName })
  }
}

async function scopeIdOf(
  write: FileWrite,
  path: string,
  { scope, scopeId }: Pick<ModelConfigDefinition, 'scope' | 'scopeId'>,
): Promise<string | null> {
  if (scope === 'global' || scopeId === null) return scopeId
  const id = write.keyIds.get(scopeId) ?? scopeId
  await refuseStray(write, 'virtual_keys', `${path}.scope_id`, id)
  return id
}

export async function pruneModelConfigs(
  write: FileWrite,
  configs: readonly ModelConfigDefinition[],
): Promise<void> {
  const { deleteModelConfig } = modelConfigsOf(write.context)
  const named = configs.map(({ id }) => id)
  for (const id of await idsBeyond(write.it.transaction, 'model_configs', named)) {
    await deleteModelConfig(fromFile, id)
    await write.it.audit('MODEL_CONFIG_DELETED', id, { model_config_id: id })
  }
}

export async function writeProviderLimitRows(
  write: FileWrite,
  limits: readonly ProviderLimitsDefinition[],
): Promise<void> {
  const { it } = write
  for (const { provider, calendarAligned } of limits) {
    const path = `governance.providers.${provider}`
    const hash = write.digest([calendarAligned])
    const before = await it.transaction
      .selectFrom('provider_limits')
      .select(['config_hash', 'created_at'])
      .where('provider', '=', provider)
      .executeTakeFirst()
    if (!write.isToWrite(before?.config_hash, hash)) continue
    if (!(await isProvider(write, provider)))
      refuse(`${path}.provider`, `names the provider ${JSON.stringify(provider)}, which there is not`)
    const { revision, at: now } = await it.begin()
    await writeProviderLimits(it.transaction, {
      provider,
      calendar_aligned: Number(calendarAligned),
      config_hash: hash,
      created_at: before?.created_at ?? now,
      updated_at: now,
      revision,
    })
    await it.audit('PROVIDER_LIMITS_CONFIGURED', provider, { provider })
  }
}

export async function pruneProviderLimits(
  write: FileWrite,
  limits: readonly ProviderLimitsDefinition[],
): Promise<void> {
  const { deleteProviderLimits } = providerLimitsOf(write.context)
  const named = new Set(limits.map(({ provider }) => provider))
  for (const { provider } of await write.it.transaction
    .selectFrom('provider_limits')
    .select('provider')
    .execute()) {
    if (named.has(provider)) continue
    await deleteProviderLimits(fromFile, provider)
    await write.it.audit('PROVIDER_LIMITS_DELETED', provider, { provider })
  }
}

/** A rule that cannot hold is left out: it is said, and everything else goes on. */
export async function writeRoutingRules(
  write: FileWrite,
  rules: readonly RoutingRuleDefinition[],
): Promise<void> {
  const { it, context } = write
  for (const { id, rule } of rules) {
    const path = `governance.routing_rules.${id}`
    const hash = write.digest([rule])
    const before = await readRoutingRule(it.transaction, id)
    if (!write.isToWrite(before === null ? undefined : before.configHash, hash)) continue
    const given = {
      ...rule,
      scope_id: await ruleScopeIdOf(write, path, rule),
      targets: await targetsOf(write, path, rule),
    }
    const { revision, at: now } = await it.begin()
    if (before === null)
      await writeRoutingRule(
        it.transaction,
        { ...emptyRule, id, name: rule.name, createdAt: now, updatedAt: now },
        revision,
      )
    const fault = await faultOf(() => routingRulesOf(context).updateRoutingRule(fromFile, id, given))
    if (fault !== null) {
      write.note({ path, message: `${fault}: this rule is left out` })
      if (before === null) await deleteRoutingRuleRow(it.transaction, id)
      continue
    }
    await it.transaction
      .updateTable('routing_rules')
      .set({ config_hash: hash })
      .where('id', '=', id)
      .execute()
    await it.audit('ROUTING_RULE_CONFIGURED', id, { routing_rule_id: id, name: rule.name })
  }
}

const emptyRule = {
  description: '',
  enabled: false,
  chainRule: false,
  celExpression: '',
  targets: [],
  fallbacks: [],
  scope: 'global',
  scopeId: null,
  priority: 0,
  query: null,
  configHash: null,
} as const

async function faultOf(operation: () => Promise<unknown>): Promise<string | null> {
  try {
    await operation()
    return null
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error
    return wordFailure(error.failure)
  }
}

function wordFailure(failure: Failure): string {
  return isFailure(failure) && 'message' in failure ? failure.message : failure.failure
}

const scopeTables = { team: 'teams', customer: 'customers', virtual_key: 'virtual_keys' } as const

async function ruleScopeIdOf(
  write: FileWrite,
  path: string,
  { scope, scope_id }: RoutingRuleDefinition['rule'],
): Promise<string | null> {
  if (!scope || scope === 'global' || !scope_id) return scope_id ?? null
  const id = (scope === 'virtual_key' ? write.keyIds.get(scope_id) : undefined) ?? scope_id
  await refuseStray(write, scopeTables[scope as keyof typeof scopeTables], `${path}.scope_id`, id)
  return id
}

async function targetsOf(write: FileWrite, path: string, { targets }: RoutingRuleDefinition['rule']) {
  const found = []
  for (const [index, target] of (targets ?? []).entries()) {
    const { provider, key_id } = target
    if (!key_id || !provider) {
      found.push(target)
      continue
    }
    const keyId = await keyIdOf(write, provider, key_id)
    if (keyId === null)
      refuse(
        `${path}.targets.${index}.key_id`,
        `names the key ${JSON.stringify(key_id)}, which ${provider} has not`,
      )
    found.push({ ...target, key_id: keyId })
  }
  return found
}

export async function pruneRoutingRules(
  write: FileWrite,
  rules: readonly RoutingRuleDefinition[],
): Promise<void> {
  const { deleteRoutingRule } = routingRulesOf(write.context)
  const named = rules.map(({ id }) => id)
  for (const id of await idsBeyond(write.it.transaction, 'routing_rules', named)) {
    await deleteRoutingRule(fromFile, id)
    await write.it.audit('ROUTING_RULE_DELETED', id, { routing_rule_id: id })
  }
}

export async function writePricingOverrides(
  write: FileWrite,
  overrides: readonly PricingOverrideDefinition[],
): Promise<void> {
  const { it, context } = write
  for (const { id, override } of overrides) {
    const path = `governance.pricing_overrides.${id}`
    const hash = write.digest([override])
    const before = await readPricingOverride(it.transaction, id)
    if (!write.isToWrite(before === null ? undefined : before.configHash, hash)) continue
    const input = {
      ...override,
      virtualKeyId:
        override.virtualKeyId && (write.keyIds.get(override.virtualKeyId) ?? override.virtualKeyId),
      providerKeyId: override.providerKeyId && (await anyKeyIdOf(write, override.providerKeyId)),
    }
    const { revision, at: now } = await it.begin()
    if (before === null) {
      const stamps = { createdAt: now, updatedAt: now }
      await writePricingOverride(
        it.transaction,
        { ...emptyOverride, id, name: override.name, ...stamps },
        revision,
      )
    }
    await at(path, () => pricingOverridesOf(context).updatePricingOverride(fromFile, id, input))
    await it.transaction
      .updateTable('pricing_overrides')
      .set({ config_hash: hash })
      .where('id', '=', id)
      .execute()
    await it.audit('PRICING_OVERRIDE_CONFIGURED', id, { pricing_override_id: id, name: override.name })
  }
}

const emptyOverride = {
  scopeKind: 'global',
  virtualKeyId: null,
  providerId: null,
  providerKeyId: null,
  matchType: 'exact',
  pattern: '',
  requestTypes: [],
  patch: {},
  configHash: null,
} as const

/** A key's id, by its name or by itself; what is neither is judged as it stands. */
async function anyKeyIdOf({ it }: FileWrite, name: string): Promise<string> {
  const key = await it.transaction
    .selectFrom('provider_keys')
    .select('key_id')
    .where('name', '=', name)
    .executeTakeFirst()
  return key?.key_id ?? name
}

export async function prunePricingOverrides(
  write: FileWrite,
  overrides: readonly PricingOverrideDefinition[],
): Promise<void> {
  const { deletePricingOverride } = pricingOverridesOf(write.context)
  const named = overrides.map(({ id }) => id)
  for (const id of await idsBeyond(write.it.transaction, 'pricing_overrides', named)) {
    await deletePricingOverride(fromFile, id)
    await write.it.audit('PRICING_OVERRIDE_DELETED', id, { pricing_override_id: id })
  }
}
