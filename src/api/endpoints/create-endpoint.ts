import { isFailure } from '../../domain/failure.ts'
import { route } from '../route.ts'
import { Endpoint, NewEndpoint } from './schemas.ts'
import { fromTarget, toEndpoint } from './shape.ts'

export const createEndpoint = route({
  method: 'POST',
  path: '/v1/gateway/endpoints',
  tag: 'Endpoints',
  summary: 'Creates an endpoint',
  description: 'Leads a slug to a target. A slug is unique over all workspaces.',
  body: NewEndpoint,
  returns: Endpoint,
  refuses: {
    400: "A body that is not valid, a prefix that is not the workspace's, a slug in use, or an unknown model, environment or secret",
  },

  async handle({ body: { slug, region, targets }, caller, tenancy }) {
    const endpoint = await tenancy.createEndpoint(caller, {
      slug,
      region: region ?? 'UNRESTRICTED',
      targets: [fromTarget(targets[0])],
    })
    return isFailure(endpoint) ? endpoint : toEndpoint(endpoint)
  },
})
