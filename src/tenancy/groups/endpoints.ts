import { type Failure, isFailure } from '../../domain/failure.ts'
import type { EndpointId, WorkspaceId } from '../../domain/ids.ts'
import { lockRow } from '../../store/lock-row.ts'
import type { Context } from '../context.ts'
import { type EndpointFact, productionEnvironment, type Region, type TargetFact } from '../facts.ts'
import { type Page, type PageRequest, readPage } from '../page.ts'
import { ownedPrefix } from '../rules/slug.ts'
import { lockWorkspace } from '../workspaces/workspace-records.ts'
import { hasSecret, readEnvironmentNames, readPrefixes } from '../workspaces/workspaces.sql.ts'
import type { Caller, Write } from '../write.ts'
import {
  deleteEndpoint,
  insertEndpoint,
  readEndpoint,
  readEndpointPage,
  updateEndpoint,
} from './endpoints.sql.ts'

export interface NewEndpoint {
  readonly slug: string
  readonly region: Region
  readonly targets: readonly [TargetFact]
}

/** Members left out stay as they are. `slug` renames, `targets` replaces them all. */
export interface EndpointChange {
  readonly slug?: string
  readonly targets?: readonly [TargetFact]
}

/** An endpoint of another workspace is `forbidden`. Slugs come in their legal form. */
export interface Endpoints {
  getEndpoint(workspaceId: WorkspaceId, id: string): Promise<EndpointFact | Failure>
  /** Oldest first. */
  listEndpoints(workspaceId: WorkspaceId, request: PageRequest): Promise<Page<EndpointFact> | Failure>
  createEndpoint(caller: Caller, input: NewEndpoint): Promise<EndpointFact | Failure>
  updateEndpoint(caller: Caller, id: string, change: EndpointChange): Promise<EndpointFact | Failure>
  /** Gives the endpoint as it was. Its slug is free at once. */
  deleteEndpoint(caller: Caller, id: string): Promise<EndpointFact | Failure>
}

const conflicts = {
  'endpoints(slug)': { failure: 'invalid', message: 'slug: taken by another endpoint' },
} as const

export function endpointsOf({ read, write, keyring, newUlid }: Context): Endpoints {
  return {
    async getEndpoint(workspaceId, id) {
      return ownOrFailure(await readEndpoint(read, id), workspaceId)
    },

    listEndpoints(workspaceId, { limit, cursor }) {
      return readPage(
        keyring,
        ['endpoints', workspaceId],
        { limit, cursor },
        (after) => readEndpointPage(read, workspaceId, { limit, after }),
        (endpoint) => endpoint,
      )
    },

    createEndpoint(caller, input) {
      return write(
        caller,
        async (it) => {
          const home = await lockWorkspace(it, caller.workspaceId)
          if (isFailure(home)) return home
          const broken =
            ownedPrefix(input.slug, await readPrefixes(it.transaction, caller.workspaceId)) ??
            (await unknownTarget(it, caller, input.targets[0]))
          if (broken) return broken
          const { revision, at } = await it.begin()
          const endpoint: EndpointFact = {
            ...input,
            id: `ep_${newUlid(at)}` as EndpointId,
            workspaceId: caller.workspaceId,
            createdAt: at,
            updatedAt: at,
          }
          await insertEndpoint(it.transaction, endpoint, revision)
          await it.audit('GATEWAY_ENDPOINT_CREATED', endpoint.id, {
            gateway_endpoint_id: endpoint.id,
            slug: endpoint.slug,
          })
          return endpoint
        },
        conflicts,
      )
    },

    updateEndpoint(caller, id, { slug, targets }) {
      return write(
        caller,
        async (it) => {
          const endpoint = await lockEndpoint(it, caller, id)
          if (isFailure(endpoint)) return endpoint
          const broken =
            (slug === undefined
              ? null
              : ownedPrefix(slug, await readPrefixes(it.transaction, caller.workspaceId))) ??
            (targets ? await unknownTarget(it, caller, targets[0]) : null)
          if (broken) return broken
          const { revision, at } = await it.begin()
          const updated: EndpointFact = {
            ...endpoint,
            slug: slug ?? endpoint.slug,
            targets: targets ?? endpoint.targets,
            updatedAt: Math.max(at, endpoint.updatedAt + 1),
          }
          await updateEndpoint(it.transaction, updated, revision)
          await it.audit('GATEWAY_ENDPOINT_UPDATED', id, {
            gateway_endpoint_id: id,
            slug: updated.slug,
            previous_slug: updated.slug === endpoint.slug ? null : endpoint.slug,
          })
          return updated
        },
        conflicts,
      )
    },

    deleteEndpoint(caller, id) {
      return write(caller, async (it) => {
        const endpoint = await lockEndpoint(it, caller, id)
        if (isFailure(endpoint)) return endpoint
        const { revision, at } = await it.begin()
        await deleteEndpoint(it.transaction, endpoint.id, at, revision)
        await it.audit('GATEWAY_ENDPOINT_DELETED', id, { gateway_endpoint_id: id, slug: endpoint.slug })
        return endpoint
      })
    },
  }
}

async function lockEndpoint(
  { transaction, kind }: Write,
  { workspaceId }: Caller,
  id: string,
): Promise<EndpointFact | Failure> {
  await lockRow(transaction, kind, 'endpoints', id)
  return ownOrFailure(await readEndpoint(transaction, id), workspaceId)
}

function ownOrFailure(endpoint: EndpointFact | null, workspaceId: WorkspaceId): EndpointFact | Failure {
  if (endpoint === null) return { failure: 'not_found', what: 'endpoint' }
  if (endpoint.workspaceId === workspaceId) return endpoint
  return { failure: 'forbidden', what: 'workspace', name: 'endpoint' }
}

/** A target names a model, environment or secret that the workspace has. Every model has a production. */
async function unknownTarget(
  { transaction }: Write,
  { workspaceId }: Caller,
  target: TargetFact,
): Promise<Failure | null> {
  if (target.provider === 'BASETEN') {
    const environment = target.environment ?? productionEnvironment
    const names = await readEnvironmentNames(transaction, workspaceId, target.modelId)
    if (names.length === 0) return invalid(`targets.0.model_id: there is no model ${target.modelId}`)
    if (environment === productionEnvironment || names.includes(environment)) return null
    return invalid(`targets.0.environment_name: ${target.modelId} has no environment ${environment}`)
  }
  if (!('secretId' in target) || (await hasSecret(transaction, workspaceId, target.secretId))) return null
  return invalid(`targets.0.secret_id: there is no secret ${target.secretId}`)
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
