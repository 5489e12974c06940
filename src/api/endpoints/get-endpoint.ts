import { isFailure } from '../../domain/failure.ts'
import { route } from '../route.ts'
import { Endpoint } from './schemas.ts'
import { toEndpoint } from './shape.ts'

export const getEndpoint = route({
  method: 'GET',
  path: '/v1/gateway/endpoints/{endpoint_id}',
  tag: 'Endpoints',
  summary: 'Gets an endpoint',
  description: 'By its id, which a rename does not change.',
  returns: Endpoint,
  refuses: {
    403: "The endpoint is another workspace's",
    404: 'There is no such endpoint, or it was deleted',
  },

  async handle({ params: { endpoint_id = '' }, caller, tenancy }) {
    const endpoint = await tenancy.getEndpoint(caller.workspaceId, endpoint_id)
    return isFailure(endpoint) ? endpoint : toEndpoint(endpoint)
  },
})
