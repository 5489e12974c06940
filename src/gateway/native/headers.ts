import { standingHeaders } from '../../limits/notice.ts'
import type { UpstreamHead } from '../../upstream/call.ts'
import { callersRequestId } from '../answer-headers.ts'
import type { Call } from '../call.ts'
import type { HeaderList } from '../exchange.ts'
import type { Room } from '../room.ts'
import type { NativeGrant } from './grant.ts'
import { secretsOf } from './relay-error.ts'

/** Our id of the call, or the caller's own where it can be echoed, and what a browser needs of a page elsewhere. */
export function callHeaders(call: Call): string[] {
  const ids = ['x-request-id', callersRequestId(call) ?? call.id, 'x-tollgate-request-id', call.id]
  return call.doorHeaders.length === 0 ? ids : [...ids, ...call.doorHeaders]
}

const passed = ['retry-after', 'openai-processing-ms'] as const
/** What may stand in a header: names of models come from callers and providers. */
const printable = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/** Headers of an answer: where it came from, few of the provider's, how the tightest limit stands. */
export function answerHeaders(grant: NativeGrant, head: UpstreamHead, room: Room): HeaderList {
  const { target, credential, reservation, journey } = grant
  const secrets = secretsOf(grant).filter((secret) => secret !== '')
  const headers = callHeaders(grant.call)
  const add = (name: string, value: string | null): void => {
    const isClean = value !== null && !secrets.some((secret) => value.includes(secret))
    if (isClean && printable.test(value)) headers.push(name, value)
  }
  add('content-type', head.headers.get('content-type') ?? 'application/json')
  for (const name of passed) add(name, head.headers.get(name))
  add('x-tollgate-upstream-request-id', head.headers.get('x-request-id'))
  add('x-bf-provider', target.provider)
  add('x-bf-model', credential.model)
  headers.push('x-bf-fallback-index', String(target.index), 'x-bf-governance-decision', 'allow')
  const { tightest, outputCap } = reservation
  if (tightest !== null) headers.push(...standingHeaders(tightest, room.clock()))
  if (outputCap !== null && journey.ask.request.hasOutput)
    headers.push('x-tollgate-capped-max-tokens', String(outputCap))
  return headers
}
