import type { Settings } from '../config/settings.ts'
import { isFailure } from '../domain/failure.ts'
import type { EgressRules } from '../upstream/egress.ts'
import { type Origin, parseOrigin } from '../upstream/origin.ts'

/** What the configuration says of egress. Addresses that it names itself are trusted, and the demo's echo is. */
export function egressRules({ network, frontier }: Settings, echoBaseUrl: string | null): EgressRules {
  const written = frontier.workspaces.flatMap(({ models }) =>
    models.flatMap(({ environments }) => Object.values(environments).map(({ base_url }) => base_url)),
  )
  return rulesFor(network, [...written, ...(echoBaseUrl === null ? [] : [echoBaseUrl])])
}

/** The same for receivers of events: what is trusted as one is not thereby trusted as a provider. */
export function webhookEgressRules({ network, frontier }: Settings): EgressRules {
  return rulesFor(
    network,
    frontier.workspaces.flatMap(({ webhook }) => (webhook === undefined ? [] : [webhook.url])),
  )
}

function rulesFor(network: Settings['network'], trustedUrls: readonly string[]): EgressRules {
  return {
    trusted: trustedUrls.flatMap(originsOf),
    allowPrivate: network.allow_private,
    origins: new Map(
      Object.entries(network.origins).flatMap(([from, to]) =>
        originsOf(from).flatMap(({ key }) => originsOf(to).map((origin) => [key, origin] as const)),
      ),
    ),
  }
}

/** None for a text that names no origin: a call to it says so. */
function originsOf(url: string): Origin[] {
  const origin = parseOrigin(url)
  return isFailure(origin) ? [] : [origin]
}
