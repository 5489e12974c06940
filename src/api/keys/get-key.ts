import { isFailure } from '../../domain/failure.ts'
import { locateGroup } from '../groups/locate-group.ts'
import { route } from '../route.ts'
import { ApiKey } from './schemas.ts'

export const getKey = route({
  method: 'GET',
  path: '/v1/gateway/groups/{group_id}/api_keys/{api_key_prefix}',
  tag: 'API keys',
  summary: 'Gets an API key',
  description: 'By its prefix, percent-encoded where it needs to be.',
  returns: ApiKey,
  refuses: {
    403: "The group is another workspace's",
    404: 'There is no such group, or no such live key in it',
  },
  locate: locateGroup,

  async handle({ params: { group_id = '', api_key_prefix = '' }, tenancy }) {
    const key = await tenancy.getKey(group_id, api_key_prefix)
    return isFailure(key) ? key : { prefix: key.prefix, name: key.name }
  },
})
