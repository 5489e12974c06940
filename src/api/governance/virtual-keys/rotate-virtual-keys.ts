import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { VirtualKey, virtualKeyShape } from './answer-virtual-key.ts'
import { readKeyTree } from './tree.ts'

export const rotateVirtualKeys = governanceRoute({
  method: 'POST',
  path: '/api/governance/virtual-keys/rotate',
  operationId: 'rotateVirtualKeys',
  tag: 'Virtual keys',
  summary: 'Gives virtual keys other values',
  description:
    "Each once. Ids that are no key's are told under `errors`; the others are rotated nevertheless.",
  body: z.object({ ids: z.array(z.string()).nullish() }).meta({ id: 'VirtualKeyIds' }),
  returns: z.object({
    message: z.string(),
    virtual_keys: z.array(VirtualKey),
    errors: z.record(z.string(), z.string()).optional().describe('By id.'),
  }),
  refuses: { 400: 'No id, or one that is empty', 404: 'There is none of these virtual keys' },

  async handle({ body, ...visit }) {
    const rotated = await visit.tenancy.rotateVirtualKeys(visit.operator, body.ids ?? [])
    if (isFailure(rotated)) return rotated
    const { keys, unknown } = rotated
    const tree = await readKeyTree(visit, keys)
    return {
      message: 'Virtual keys rotated successfully',
      virtual_keys: keys.map(virtualKeyShape(tree)),
      ...(unknown.length === 0
        ? {}
        : { errors: Object.fromEntries(unknown.map((id) => [id, 'virtual key not found'])) }),
    }
  },
})
