import type { Failure } from '../domain/failure.ts'
import type { KeyFact } from '../tenancy/facts.ts'
import type { Snapshot } from '../tenancy/snapshot.ts'

/** A model as OpenAI's clients know it. `created` in seconds. */
interface ListedModel {
  readonly id: string
  readonly object: 'model'
  readonly created: number
  readonly owned_by: string
}

const listPath = '/v1/models'
const noSuchModel: Failure = { failure: 'not_found', what: 'model' }

/** Whether a path is that of the list of models, or of one of them. */
export function isModelsPath(path: string): boolean {
  return path === listPath || path.startsWith(`${listPath}/`)
}

/**
 * What `GET /v1/models` answers to a key: the slugs that it may call and that lead somewhere now, in the order in which
 * its group lists them. Under a path of its own each of them alone; its slash may be escaped.
 */
export function listModels(path: string, key: KeyFact, world: Snapshot): object | Failure {
  const models = callableModels(key, world)
  if (path === listPath) return { object: 'list', data: models }
  const id = decoded(path.slice(listPath.length + 1))
  return models.find((model) => model.id === id) ?? noSuchModel
}

function callableModels(key: KeyFact, world: Snapshot): readonly ListedModel[] {
  const node = key.nodeId === null ? null : world.node(key.nodeId)
  return (node?.models ?? []).flatMap(({ slug }) => {
    const endpoint = world.endpointBySlug(slug)
    if (endpoint === null || endpoint.workspaceId !== key.workspaceId) return []
    const created = Math.floor(endpoint.createdAt / 1000)
    return [{ id: slug, object: 'model', created, owned_by: slug.slice(0, slug.indexOf('/')) }]
  })
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
