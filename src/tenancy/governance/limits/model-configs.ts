import type { Transaction } from 'kysely'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import { isKnownProvider } from '../../../providers/table.ts'
import type { Schema } from '../../../store/schema.ts'
import type { Operator, Write } from '../../write.ts'
import { type GovernanceContext, lockGovernance, ofInstallation } from '../context.ts'
import type { ModelConfigFact, ModelScope } from '../facts.ts'
import { canBeStored, contains, type Paging, readPageOfIds } from '../numbered-page.sql.ts'
import { present } from '../owners/members.ts'
import { changedMembers } from '../owners/party.ts'
import { bury } from '../owners/tombstones.sql.ts'
import { isThere, readProviderNames } from '../references.sql.ts'
import { newUuid } from '../uuid.ts'
import { type LimitsInput, modelWording, noLimits, planLimits } from './limits-plan.ts'
import {
  deleteModelConfigRow,
  findModelConfig,
  insertModelConfig,
  type ModelIdentity,
  readModelConfig,
  updateModelConfig,
} from './model-configs.sql.ts'
import { applyLimits, deleteLimits } from './owned-limits.ts'

/** Members left out stay as they are. */
export interface ModelConfigInput {
  /** `*`: every model. */
  readonly modelName?: string | undefined
  /** Null, or empty: whoever serves it. */
  readonly provider?: string | null | undefined
  readonly scope?: string | null | undefined
  readonly scopeId?: string | null | undefined
  readonly limits: LimitsInput
}

export interface ModelConfigFilter {
  readonly scope: string | null
  readonly provider: string | null
  /** Part of a model's name. */
  readonly search: string | null
  /** None but those of this virtual key; null: all. */
  readonly onlyOfKey: string | null
}

export interface ModelConfigs {
  /** Oldest first. `total` counts all pages. */
  listModelConfigs(
    filter: ModelConfigFilter,
    paging: Paging,
  ): Promise<{ readonly configs: readonly ModelConfigFact[]; readonly total: number }>
  createModelConfig(operator: Operator, input: ModelConfigInput): Promise<ModelConfigFact | Failure>
  updateModelConfig(
    operator: Operator,
    id: string,
    input: ModelConfigInput,
  ): Promise<ModelConfigFact | Failure>
  /** With its limits. */
  deleteModelConfig(operator: Operator, id: string): Promise<ModelConfigFact | Failure>
}

const noConfig: Failure = { failure: 'not_found', what: 'model_config' }

export function modelConfigsOf(context: GovernanceContext): ModelConfigs {
  const { read, kind, write, world, counters, newUlid, random } = context
  const newId = () => newUuid(random)

  return {
    async listModelConfigs({ scope, provider, search, onlyOfKey }, paging) {
      const texts = [scope, provider, search].filter((text) => text !== null)
      if (!texts.every(canBeStored)) return { configs: [], total: 0 }
      let query = read.selectFrom('model_configs')
      if (scope !== null) query = query.where('scope', '=', scope)
      if (provider !== null) query = query.where('provider', '=', provider)
      if (search !== null) query = query.where(contains(kind, 'model_name', search))
      if (onlyOfKey !== null)
        query = query.where('scope', '=', 'virtual_key').where('scope_id', '=', onlyOfKey)
      const page = await readPageOfIds(query, paging)
      return { configs: present(page.ids, world().modelConfig), total: page.total }
    },

    async createModelConfig(operator, input) {
      const id = newId()
      const created = await write(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const identity = await readIdentity(it, input, null)
        if (isFailure(identity)) return identity
        const plan = planLimits(noLimits, input.limits, false, modelWording)
        if (isFailure(plan)) return plan
        const taken = await takenBy(it, identity, id)
        if (taken) return taken

        const stamp = await it.begin()
        await insertModelConfig(it.transaction, {
          id,
          ...identityColumns(identity),
          calendar_aligned: input.limits.calendarAligned ? 1 : 0,
          config_hash: null,
          created_at: stamp.at,
          updated_at: stamp.at,
          revision: stamp.revision,
        })
        const limitsWrite = { it, stamp, operator, counters, newUlid, newId }
        await applyLimits(limitsWrite, { kind: 'model_config', id }, noLimits, plan)
        await it.audit('MODEL_CONFIG_CREATED', id, { model_config_id: id, model_name: identity.modelName })
        return id
      })
      return isFailure(created) ? created : (world().modelConfig(id) ?? noConfig)
    },

    async updateModelConfig(operator, id, input) {
      const updated = await write(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const config = await readModelConfig(it.transaction, id)
        if (config === null) return noConfig
        const identity = await readIdentity(it, input, config)
        if (isFailure(identity)) return identity
        const plan = planLimits(config, input.limits, config.calendarAligned, modelWording)
        if (isFailure(plan)) return plan
        const taken = await takenBy(it, identity, id)
        if (taken) return taken

        const stamp = await it.begin()
        await updateModelConfig(it.transaction, id, {
          ...identityColumns(identity),
          calendar_aligned: (input.limits.calendarAligned ?? config.calendarAligned) ? 1 : 0,
          updated_at: Math.max(stamp.at, config.updatedAt + 1),
          revision: stamp.revision,
        })
        const limitsWrite = { it, stamp, operator, counters, newUlid, newId }
        await applyLimits(limitsWrite, { kind: 'model_config', id }, config, plan)
        await it.audit('MODEL_CONFIG_UPDATED', id, { model_config_id: id, changed: changedMembers(input) })
        return id
      })
      return isFailure(updated) ? updated : (world().modelConfig(id) ?? noConfig)
    },

    deleteModelConfig(operator, id) {
      return write<ModelConfigFact>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const config = await readModelConfig(it.transaction, id)
        if (config === null) return noConfig
        const { revision } = await it.begin()
        await deleteLimits(it, [config])
        await deleteModelConfigRow(it.transaction, id)
        await bury(it.transaction, 'model_config', id, revision)
        await it.audit('MODEL_CONFIG_DELETED', id, { model_config_id: id, model_name: config.modelName })
        return config
      })
    },
  }
}

/** Whose limits they are to be, or what is wrong with that. */
async function readIdentity(
  { transaction }: Write,
  input: ModelConfigInput,
  before: ModelConfigFact | null,
): Promise<ModelIdentity | Failure> {
  const modelName = input.modelName ?? before?.modelName ?? ''
  if (modelName.trim() === '') return invalid('Model name is required')
  const scope = input.scope || (before?.scope ?? 'global')
  if (!isScope(scope)) return invalid(`Invalid scope "${scope}"`)
  const scopeId = scopeIdOf(scope, input, before)
  if (scope !== 'global' && scopeId === null) return invalid('scope_id is required when scope is not global')
  if (scopeId !== null && !(await isKey(transaction, scopeId)))
    return invalid(`Virtual key '${scopeId}' not found`)
  const provider = input.provider === undefined ? (before?.provider ?? null) : input.provider || null
  const isNew = provider !== null && provider !== before?.provider
  if (isNew && !(await isProvider(transaction, provider)))
    return invalid(`invalid provider name: ${provider}`)
  return { modelName, provider, scope, scopeId }
}

/** What is global belongs to nobody, and what was somebody's in another scope is not theirs in this one. */
function scopeIdOf(
  scope: ModelScope,
  { scopeId }: ModelConfigInput,
  before: ModelConfigFact | null,
): string | null {
  if (scope === 'global') return null
  if (scopeId !== undefined) return scopeId || null
  return before?.scope === scope ? before.scopeId : null
}

function isScope(text: string): text is ModelScope {
  return text === 'global' || text === 'virtual_key'
}

async function isKey(transaction: Transaction<Schema>, id: string): Promise<boolean> {
  return canBeStored(id) && (await isThere(transaction, 'virtual_keys', id))
}

async function isProvider(transaction: Transaction<Schema>, name: string): Promise<boolean> {
  return isKnownProvider(name) || (await readProviderNames(transaction)).has(name)
}

/** Another config has this identity; null where none has. */
async function takenBy({ transaction }: Write, identity: ModelIdentity, id: string): Promise<Failure | null> {
  const owner = await findModelConfig(transaction, identity)
  if (owner === null || owner === id) return null
  const { modelName, provider } = identity
  const where = provider === null ? '(global)' : `with provider '${provider}'`
  return { failure: 'conflict', message: `Model config for model '${modelName}' ${where} already exists` }
}

function identityColumns({ modelName, provider, scope, scopeId }: ModelIdentity) {
  return { model_name: modelName, provider, scope, scope_id: scopeId }
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
