import { isFailure } from '../../domain/failure.ts'
import { locateGroup } from '../groups/locate-group.ts'
import { route } from '../route.ts'
import { MintedApiKey, NewApiKey } from './schemas.ts'

export const mintKey = route({
  method: 'POST',
  path: '/v1/gateway/groups/{group_id}/api_keys',
  tag: 'API keys',
  summary: 'Creates an API key',
  description: "For the group's applications to call models with. The body may be left out.",
  body: NewApiKey,
  bodyIsOptional: true,
  returns: MintedApiKey,
  refuses: {
    400: 'A body that is not valid',
    403: "The group is another workspace's",
    404: 'There is no such group, or it was deleted',
  },
  locate: locateGroup,

  async handle({ params: { group_id = '' }, body, caller, tenancy }) {
    const minted = await tenancy.mintKey(caller, group_id, body.name ?? null)
    if (isFailure(minted)) return minted
    return { api_key: minted.value, prefix: minted.prefix, name: minted.name }
  },
})
