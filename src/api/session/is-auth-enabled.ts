import { z } from 'zod'
import { clientDefaults } from '../../tenancy/governance/client/client-config.ts'
import { openRoute } from '../open/route.ts'

export const isAuthEnabled = openRoute({
  method: 'GET',
  path: '/api/session/is-auth-enabled',
  operationId: 'isAuthEnabled',
  tag: 'Session',
  summary: 'Tells how to come in',
  description: 'Whether management asks for a credential, and whether the session that is sent along holds.',
  returns: z
    .object({
      is_auth_enabled: z.boolean(),
      has_valid_token: z.boolean(),
      auth_type: z.string().describe('`password`: people can log in; `none`: they cannot.'),
      inference_auth_enforced: z.boolean().describe('Whether calls of models need a virtual key.'),
    })
    .meta({ id: 'AuthEnabled' }),
  refuses: { 403: 'Asked by a page of another site, or under a name that is not ours' },

  async handle({ tenancy, knock, entrance }) {
    const { auth, client } = tenancy.snapshot().governance
    return {
      is_auth_enabled: !entrance.isOpen(),
      has_valid_token: await entrance.hasSession(knock),
      auth_type: auth?.isEnabled && auth.adminPasswordHash !== '' ? 'password' : 'none',
      inference_auth_enforced: client.enforce_auth_on_inference ?? clientDefaults.enforce_auth_on_inference,
    }
  },
})
