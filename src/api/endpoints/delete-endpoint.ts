import { isFailure } from '../../domain/failure.ts'
import { route } from '../route.ts'
import { DeletedEndpoint } from './schemas.ts'

export const deleteEndpoint = route({
  method: 'DELETE',
  path: '/v1/gateway/endpoints/{endpoint_id}',
  tag: 'Endpoints',
  summary: 'Deletes an endpoint',
  description: 'Its slug stops leading anywhere and may be used again at once. Groups that list it keep it.',
  returns: DeletedEndpoint,
  refuses: {
    403: "The endpoint is another workspace's",
    404: 'There is no such endpoint, or it was deleted',
  },

  async handle({ params: { endpoint_id = '' }, caller, tenancy }) {
    const endpoint = await tenancy.deleteEndpoint(caller, endpoint_id)
    return isFailure(endpoint) ? endpoint : { id: endpoint.id, slug: endpoint.slug }
  },
})
