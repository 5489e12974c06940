import { isFailure } from '../../domain/failure.ts'
import { route } from '../route.ts'
import { Endpoint, EndpointPatch } from './schemas.ts'
import { fromTarget, toEndpoint } from './shape.ts'

export const updateEndpoint = route({
  method: 'PATCH',
  path: '/v1/gateway/endpoints/{endpoint_id}',
  tag: 'Endpoints',
  summary: 'Updates an endpoint',
  description: 'Renames it, replaces its targets, or both. Takes effect on the next call.',
  body: EndpointPatch,
  returns: Endpoint,
  refuses: {
    400: "A body that is not valid, a prefix that is not the workspace's, a slug in use, or an unknown model, environment or secret",
    403: "The endpoint is another workspace's",
    404: 'There is no such endpoint, or it was deleted',
  },

  async locate({ params: { endpoint_id = '' }, caller, tenancy }) {
    const endpoint = await tenancy.getEndpoint(caller.workspaceId, endpoint_id)
    return isFailure(endpoint) ? endpoint : null
  },

  async handle({ params: { endpoint_id = '' }, body: { slug, targets }, caller, tenancy }) {
    const endpoint = await tenancy.updateEndpoint(caller, endpoint_id, {
      ...(slug ? { slug } : {}),
      ...(targets ? { targets: [fromTarget(targets[0])] } : {}),
    })
    return isFailure(endpoint) ? endpoint : toEndpoint(endpoint)
  },
})
