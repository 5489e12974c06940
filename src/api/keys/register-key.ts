import { z } from 'zod'
import { isFailure } from '../../domain/failure.ts'
import { signedRegistration } from '../../tenancy/rules/signed-registration.ts'
import { locateGroup } from '../groups/locate-group.ts'
import { route } from '../route.ts'
import { ForeignApiKey, RegisteredApiKey } from './schemas.ts'

const signatureHeader = 'X-Baseten-Signature'

export const registerKey = route({
  method: 'POST',
  path: '/v1/gateway/groups/{group_id}/api_keys/register',
  tag: 'API keys',
  summary: 'Registers an API key that you have issued',
  description:
    'It works like one made here, and goes by its first 16 characters, which stay taken in the workspace for good. The ' +
    'workspace needs a public key on file.',
  headers: z.object({
    [signatureHeader]: z
      .base64()
      .describe("Ed25519 signature of the body's exact bytes, made with the private key to the one on file."),
  }),
  body: ForeignApiKey,
  returns: RegisteredApiKey,
  refuses: {
    400: 'No public key on file, a signature that does not verify, a body that is not valid, a key that is too short, too long or too regular, or one whose first 16 characters are taken',
    403: "The group is another workspace's",
    404: 'There is no such group, or it was deleted',
  },
  locate: locateGroup,

  judgeBytes({ caller, tenancy, header }, bytes) {
    const workspace = tenancy.snapshot().workspace(caller.workspaceId)
    return signedRegistration(workspace?.registrationPublicKey ?? null, bytes, header(signatureHeader))
  },

  async handle({ params: { group_id = '' }, body: { key, name }, caller, tenancy }) {
    const registered = await tenancy.registerKey(caller, group_id, { key, name: name ?? null })
    return isFailure(registered) ? registered : { ok: true as const }
  },
})
