import { generateKeyPairSync, randomInt, sign } from 'node:crypto'

/** A lab that proves with its private key that registrations are its own. */
export interface Lab {
  /** As the configuration takes it. */
  readonly publicKey: string
  /** The header that goes with a body. */
  sign(body: string | Uint8Array): string
}

export function openLab(): Lab {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return {
    publicKey: Buffer.from(x, 'base64url').toString('base64'),
    sign: (body) => sign(null, Buffer.from(body), privateKey).toString('base64'),
  }
}

const printable = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index))

/** A key as a lab may have issued it: random printable ASCII. */
export function labKey(length = 48, letters: readonly string[] = printable): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
}

export const workspaceKeyTypes = [
  'PERSONAL',
  'WORKSPACE_MANAGE_ALL',
  'WORKSPACE_INVOKE',
  'WORKSPACE_EXPORT_METRICS',
  'WORKSPACE_MANAGE_API_KEYS',
] as const

/** Of a workspace's keys, the one of this type. */
export function keyOf(workspace: string, type: (typeof workspaceKeyTypes)[number]): string {
  return `${workspace}-key-of-type-${type.toLowerCase()}`
}

/**
 * Three workspaces on one upstream: `aurora` and `borealis`, labs with a key of each type and each with its own public
 * key, and `nimbus`, which is not onboarded. Each has the model `lumen`.
 */
export function labsConfiguration(upstreamUrl: string, labs: { aurora: Lab; borealis: Lab }, frontier = {}) {
  const workspace = (id: string, more: object) => ({
    id,
    slug_prefixes: [id],
    api_keys: workspaceKeyTypes.map((type) => ({ name: type, value: keyOf(id, type), type })),
    models: [
      {
        id: 'lumen',
        environments: { production: { base_url: `${upstreamUrl}/v1`, model: 'lumen-2' } },
      },
    ],
    secrets: [{ id: 'sec_vendor', value: 'secret-of-the-vendor' }],
    ...more,
  })
  return {
    version: 2,
    frontier: {
      // Tests come faster than people, and where their clock stands still no second ever ends.
      management_requests_per_second: 1_000_000,
      workspaces: [
        workspace('aurora', { registration_public_key: labs.aurora.publicKey }),
        workspace('borealis', { registration_public_key: labs.borealis.publicKey }),
        workspace('nimbus', { onboarded: false }),
      ],
      ...frontier,
    },
  }
}
