import type { z } from 'zod'
import { toRfc3339 } from '../../domain/time.ts'
import { type EndpointFact, productionEnvironment, type TargetFact } from '../../tenancy/facts.ts'
import type { Endpoint, Target } from './schemas.ts'

type WireTarget = z.output<typeof Target>

/** An endpoint in its wire form: of a target only the members that apply, and production never named. */
export function toEndpoint(endpoint: EndpointFact): z.output<typeof Endpoint> {
  return {
    id: endpoint.id,
    slug: endpoint.slug,
    region: endpoint.region,
    targets: endpoint.targets.map(toTarget),
    created_at: toRfc3339(endpoint.createdAt),
    updated_at: toRfc3339(endpoint.updatedAt),
  }
}

/** A target as a caller sends it, as a fact. */
export function fromTarget(target: WireTarget): TargetFact {
  switch (target.provider) {
    case 'BASETEN': {
      const { environment_name: name = null } = target
      const environment = name === productionEnvironment ? null : name
      const { provider, model_id: modelId, target_model: targetModel = null } = target
      return { provider, modelId, environment, targetModel }
    }
    case 'BASETEN_MODEL_API':
      return { provider: target.provider, targetModel: target.target_model }
    case 'VERTEX': {
      const { project_id: projectId, location } = target.vertex_config
      const { provider, target_model: targetModel, secret_id: secretId } = target
      return { provider, targetModel, secretId, projectId, location }
    }
    case 'OPENAI_COMPATIBLE': {
      const { provider, target_model: targetModel, secret_id: secretId, base_url: baseUrl } = target
      return { provider, targetModel, secretId, baseUrl }
    }
    default: {
      const { provider, target_model: targetModel, secret_id: secretId } = target
      return { provider, targetModel, secretId }
    }
  }
}

function toTarget(target: TargetFact): WireTarget {
  switch (target.provider) {
    case 'BASETEN': {
      const { provider, modelId, environment, targetModel } = target
      return {
        provider,
        model_id: modelId,
        ...(environment === null ? {} : { environment_name: environment }),
        ...(targetModel === null ? {} : { target_model: targetModel }),
      }
    }
    case 'BASETEN_MODEL_API':
      return { provider: target.provider, target_model: target.targetModel }
    case 'VERTEX': {
      const { provider, targetModel, secretId, projectId, location } = target
      const vertex_config = { project_id: projectId, location }
      return { provider, target_model: targetModel, secret_id: secretId, vertex_config }
    }
    case 'OPENAI_COMPATIBLE': {
      const { provider, targetModel, secretId, baseUrl } = target
      return { provider, target_model: targetModel, secret_id: secretId, base_url: baseUrl }
    }
    default: {
      const { provider, targetModel, secretId } = target
      return { provider, target_model: targetModel, secret_id: secretId }
    }
  }
}
