import type { TextRule } from './text-rule.ts'

const longestHostName = 253
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** A workspace's own domain. Upper case is taken for lower case, as names on the network are. */
export const hostNameRule: TextRule = {
  allowed:
    'a host name such as ai.example.com: two labels or more of letters, digits and inner hyphens, without port or dot at its end',
  holds(text) {
    const labels = inLowerCase(text).split('.')
    const isName = labels.length >= 2 && labels.every((part) => label.test(part))
    // What ends in a number is an address, or would be taken for one.
    return isName && text.length <= longestHostName && !/^\d+$/.test(labels.at(-1) ?? '')
  },
}

/** A host name as it is kept and compared. */
export function inLowerCase(hostName: string): string {
  return hostName.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
