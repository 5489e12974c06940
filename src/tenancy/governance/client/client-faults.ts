import type { ClientConfig } from '../facts.ts'
import type { Variable } from '../routing/variables.ts'
import { isOriginPattern } from './cross-origin.ts'
import { type ClientFault, requiredHeadersFault } from './required-headers.ts'

/** The first thing wrong with the switches of the native door beyond what their shapes say; null if nothing is. */
export async function clientFault(client: ClientConfig, variable: Variable): Promise<ClientFault | null> {
  const origin = client.allowed_origins?.findIndex((text) => !isOriginPattern(text)) ?? -1
  if (origin >= 0)
    return {
      path: `allowed_origins.${origin}`,
      message: 'must be *, an origin such as https://app.example.com, or one such as https://*.example.com',
    }
  return requiredHeadersFault(client, variable)
}
