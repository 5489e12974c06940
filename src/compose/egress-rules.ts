import { lookup } from 'node:dns'
import type { Settings } from '../config/settings.ts'
import { isFailure } from '../domain/failure.ts'
import { type Egress, type EgressRules, openEgress } from '../upstream/egress.ts'
import { type Origin, parseOrigin } from '../upstream/origin.ts'
import { messageOf, Refused } from './refused.ts'

/** What the configuration says of egress. Addresses that it names itself are trusted, and the demo's echo is. */
function egressRules({ network, frontier, governance }: Settings, echoBaseUrl: string | null): EgressRules {
  const written = frontier.workspaces.flatMap(({ models }) =>
    models.flatMap(({ environments }) => Object.values(environments).map(({ base_url }) => base_url)),
  )
  return rulesFor(network, [
    ...written,
    ...governance.addresses,
    ...(echoBaseUrl === null ? [] : [echoBaseUrl]),
  ])
}

/** Opens the way out of calls. */
export function openOwnEgress(settings: Settings, echoBaseUrl: string | null): Egress {
  const egress = openEgress(egressRules(settings, echoBaseUrl), lookup)
  if (isFailure(egress)) throw new Refused(`network.allow_private: ${messageOf(egress)}`)
  return egress
}

/** Rules for receivers of events: what is trusted as one is not thereby trusted as a provider. */
export function webhookEgressRules({ network, frontier }: Settings): EgressRules {
  return rulesFor(
    network,
    frontier.workspaces.flatMap(({ webhook }) => (webhook === undefined ? [] : [webhook.url])),
  )
}

function rulesFor(network: Settings['network'], trustedUrls: readonly string[]): EgressRules {
  return {
    trusted: originsOf(trustedUrls),
    allowPrivate: network.allow_private,
    origins: new Map(
      Object.entries(network.origins).flatMap(([from, to]) =>
        originsOf([from]).flatMap(({ key }) => originsOf([to]).map((origin) => [key, origin] as const)),
      ),
    ),
  }
}

/** Where URLs lead. A text that names no origin is left out: a call to it says so. */
export function originsOf(urls: readonly string[]): Origin[] {
  return urls.map(parseOrigin).flatMap((origin) => (isFailure(origin) ? [] : [origin]))
}
