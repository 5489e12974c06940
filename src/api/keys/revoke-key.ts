import { route } from '../route.ts'
import { RevokedApiKey } from './schemas.ts'

export const revokeKey = route({
  method: 'DELETE',
  path: '/v1/gateway/groups/{group_id}/api_keys/{api_key_prefix}',
  tag: 'API keys',
  summary: 'Revokes an API key',
  description: 'For good: its next call is refused. Other keys of the group go on.',
  returns: RevokedApiKey,
  refuses: {
    403: "The group is another workspace's",
    404: 'There is no such group, or no such live key in it',
  },

  handle({ params: { group_id = '', api_key_prefix = '' }, caller, tenancy }) {
    return tenancy.revokeKey(caller, group_id, api_key_prefix)
  },
})
