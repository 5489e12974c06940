import type { ClientConfig } from '../../tenancy/governance/facts.ts'
import type { Exchange, HeaderChoice } from '../exchange.ts'
import { headerLine } from './endpoint.ts'

const prefix = 'x-bf-eh-'
const prefixed: HeaderChoice = { names: [], prefixes: [prefix] }
/** Request headers of the caller that any provider may see. */
const usual: HeaderChoice = {
  names: ['accept', 'user-agent', 'idempotency-key'],
  prefixes: ['openai-', 'anthropic-'],
}

/**
 * The caller's headers that go to the provider, as lines of a head: the usual ones, and those that the caller marks by
 * their prefix. Of these the operator may refuse some, or let only some pass, which then need no prefix either.
 */
export function passedHeaders(exchange: Exchange, { header_filter_config: filter }: ClientConfig): string {
  const { allowlist = [], denylist = [] } = filter ?? {}
  const marked = linesIn(exchange.headerLines(prefixed)).map(
    ([name, value]) => [name.slice(prefix.length), value] as const,
  )
  const unmarked = allowlist.flatMap((name) => {
    const lower = name.toLowerCase()
    const value = lower.endsWith('*') || isUsual(lower) ? null : exchange.header(lower)
    return value === null ? [] : [[lower, value] as const]
  })
  const extra = new Map([...unmarked, ...marked])
  const mayPass = (name: string): boolean =>
    !names(denylist, name) && (allowlist.length === 0 || names(allowlist, name))
  return (
    exchange.headerLines(usual) +
    [...extra].flatMap(([name, value]) => (mayPass(name) ? headerLine(name, value) : [])).join('')
  )
}

function isUsual(name: string): boolean {
  return usual.names.includes(name) || usual.prefixes.some((start) => name.startsWith(start))
}

function linesIn(lines: string): (readonly [name: string, value: string])[] {
  return lines.split('\r\n').flatMap((line) => {
    const colon = line.indexOf(':')
    return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const]
  })
}

/** Whether a list names a header, or by a `*` at the end all that begin so. */
function names(list: readonly string[], name: string): boolean {
  return list.some((entry) => {
    const listed = entry.toLowerCase()
    return listed.endsWith('*') ? name.startsWith(listed.slice(0, -1)) : listed === name
  })
}
