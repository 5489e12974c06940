import { type Failure, isFailure } from '../../domain/failure.ts'
import { variableIn } from '../../tenancy/governance/variables.ts'
import type { Egress } from '../../upstream/egress.ts'
import { parseOrigin } from '../../upstream/origin.ts'

/** Members that name an address, by their block. */
const addresses: readonly (readonly [block: string, member: string])[] = [
  ['network_config', 'base_url'],
  ['azure_key_config', 'endpoint'],
  ['vllm_key_config', 'url'],
  ['ollama_key_config', 'url'],
  ['sgl_key_config', 'url'],
]

/**
 * Why an address that somebody writes cannot be: it is none, or one that may not be reached from here. A name is judged
 * by what it resolves to, whenever a connection is made.
 */
export function badAddress(egress: Egress, written: Readonly<Record<string, unknown>>): Failure | null {
  for (const [block, member] of addresses) {
    const url = (written[block] as Readonly<Record<string, unknown>> | null | undefined)?.[member]
    if (typeof url !== 'string' || url === '' || variableIn(url) !== null) continue
    const fault = judge(egress, url)
    if (fault !== null) return { failure: 'invalid', message: `${block}.${member}: ${fault}` }
  }
  return null
}

function judge(egress: Egress, url: string): string | null {
  const origin = parseOrigin(url)
  if (isFailure(origin)) return 'must be an http or https URL without credentials'
  return isFailure(egress.route(origin)) ? 'is an address that this gateway may not reach' : null
}
