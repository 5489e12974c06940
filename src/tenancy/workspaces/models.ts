import type { Failure } from '../../domain/failure.ts'
import type { Context } from '../context.ts'
import { productionEnvironment } from '../facts.ts'
import { readLiveEndpoints } from '../groups/endpoints.sql.ts'
import { type Page, type PageRequest, readPage } from '../page.ts'
import type { EnvironmentRecord, EnvironmentWish, ModelRecord } from '../records.ts'
import { environmentStillNamed } from '../rules/still-named.ts'
import { seal } from '../sealing/sealing.ts'
import type { Operator, Write } from '../write.ts'
import { buryEnvironments, readModel, readModelPage, writeEnvironment } from './models.sql.ts'
import { inTheWay, workspaceWriter } from './workspace-records.ts'
import { environmentPlace } from './workspaces.sql.ts'

export interface ModelWish {
  readonly id: string
  readonly environments: readonly EnvironmentWish[]
}

/** A workspace's own models. No environment goes that an endpoint names. */
export interface Models {
  /** In the order of their ids. */
  listModels(workspaceId: string, request: PageRequest): Promise<Page<ModelRecord> | Failure>
  getModel(workspaceId: string, id: string): Promise<ModelRecord | Failure>
  createModel(operator: Operator, workspaceId: string, wish: ModelWish): Promise<ModelRecord | Failure>
  /** Makes the model what is wished, whatever it was: environments that are left out go, and keys too. */
  replaceModel(operator: Operator, workspaceId: string, wish: ModelWish): Promise<ModelRecord | Failure>
  deleteModel(operator: Operator, workspaceId: string, id: string): Promise<ModelRecord | Failure>
  /** Makes one environment what is wished, the others stay. */
  replaceEnvironment(
    operator: Operator,
    workspaceId: string,
    modelId: string,
    wish: EnvironmentWish,
  ): Promise<ModelRecord | Failure>
  /** With the last environment the model goes. */
  deleteEnvironment(
    operator: Operator,
    workspaceId: string,
    modelId: string,
    name: string,
  ): Promise<EnvironmentRecord | Failure>
}

const noModel: Failure = { failure: 'not_found', what: 'model' }
const noEnvironment: Failure = { failure: 'not_found', what: 'environment' }

export function modelsOf({ read, write, keyring, random }: Context): Models {
  const changeWorkspace = workspaceWriter(write)

  /** Locks the workspace and hands over the model as it is, null where there is none. */
  const change = <Answer>(
    operator: Operator,
    workspaceId: string,
    id: string,
    work: (it: Write, before: ModelRecord | null) => Promise<Answer | Failure>,
  ) =>
    changeWorkspace<Answer>(operator, workspaceId, async (it) =>
      work(it, await readModel(it.transaction, workspaceId, id)),
    )

  /** Writes environments and buries those that go, unless a target names one of them. */
  const rewrite = async (
    it: Write,
    workspaceId: string,
    id: string,
    {
      written,
      gone,
      action,
    }: { written: readonly EnvironmentWish[]; gone: readonly string[]; action: string },
  ): Promise<Failure | null> => {
    if (gone.length > 0) {
      const endpoints = await readLiveEndpoints(it.transaction, workspaceId)
      const named = environmentStillNamed(endpoints, id, new Set(gone))
      if (named) return named
    }
    const { revision, at } = await it.begin()
    for (const wish of written) {
      const place = environmentPlace(workspaceId, id, wish.name)
      const sealedKey = wish.apiKey === null ? null : seal(keyring, random, wish.apiKey, place)
      await writeEnvironment(it.transaction, workspaceId, id, wish, sealedKey, revision)
    }
    if (gone.length > 0) await buryEnvironments(it.transaction, workspaceId, id, gone, at, revision)
    await it.audit(action, id, { model_id: id, environments: written.map(({ name }) => name), gone })
    return null
  }

  const stored = async ({ transaction }: Write, workspaceId: string, id: string): Promise<ModelRecord> => {
    const model = await readModel(transaction, workspaceId, id)
    if (model === null) throw new Error('a model that was written is not there')
    return model
  }

  return {
    listModels(workspaceId, { limit, cursor }) {
      return readPage(
        keyring,
        ['models', workspaceId],
        { limit, cursor },
        (after) => readModelPage(read, workspaceId, { limit, after }),
        ({ id }) => ({ createdAt: 0, id }),
      )
    },

    async getModel(workspaceId, id) {
      return (await readModel(read, workspaceId, id)) ?? noModel
    },

    createModel(operator, workspaceId, { id, environments }) {
      return change<ModelRecord>(operator, workspaceId, id, async (it, before) => {
        if (before !== null) return inTheWay('id: taken by another model of this workspace')
        const written = { written: environments, gone: [], action: 'WORKSPACE_MODEL_CREATED' }
        return (await rewrite(it, workspaceId, id, written)) ?? stored(it, workspaceId, id)
      })
    },

    replaceModel(operator, workspaceId, { id, environments }) {
      return change<ModelRecord>(operator, workspaceId, id, async (it, before) => {
        const kept = new Set(environments.map(({ name }) => name))
        const gone = namesOf(before).filter((name) => !kept.has(name))
        const action = before === null ? 'WORKSPACE_MODEL_CREATED' : 'WORKSPACE_MODEL_REPLACED'
        const refused = await rewrite(it, workspaceId, id, { written: environments, gone, action })
        return refused ?? stored(it, workspaceId, id)
      })
    },

    deleteModel(operator, workspaceId, id) {
      return change<ModelRecord>(operator, workspaceId, id, async (it, before) => {
        if (before === null) return noModel
        const all = { written: [], gone: withProduction(namesOf(before)), action: 'WORKSPACE_MODEL_DELETED' }
        return (await rewrite(it, workspaceId, id, all)) ?? before
      })
    },

    replaceEnvironment(operator, workspaceId, modelId, wish) {
      return change<ModelRecord>(operator, workspaceId, modelId, async (it) => {
        const one = { written: [wish], gone: [], action: 'WORKSPACE_MODEL_REPLACED' }
        return (await rewrite(it, workspaceId, modelId, one)) ?? stored(it, workspaceId, modelId)
      })
    },

    deleteEnvironment(operator, workspaceId, modelId, name) {
      return change<EnvironmentRecord>(operator, workspaceId, modelId, async (it, before) => {
        if (before === null) return noModel
        const environment = before.environments.find((known) => known.name === name)
        if (environment === undefined) return noEnvironment
        const isLast = before.environments.length === 1
        const gone = isLast ? withProduction([name]) : [name]
        const action = isLast ? 'WORKSPACE_MODEL_DELETED' : 'WORKSPACE_MODEL_REPLACED'
        return (await rewrite(it, workspaceId, modelId, { written: [], gone, action })) ?? environment
      })
    },
  }
}

function namesOf(model: ModelRecord | null): string[] {
  return model?.environments.map(({ name }) => name) ?? []
}

/** A target may name a model's production before there is one. */
function withProduction(names: readonly string[]): string[] {
  return [...new Set([...names, productionEnvironment])]
}
