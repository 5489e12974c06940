import { STATUS_CODES } from 'node:http'
import type { Clock } from '../domain/time.ts'
import type { HeaderList } from '../gateway/exchange.ts'

/**
 * Writes the head of an answer, with its `Date` and its end. `framing` is a line or several, each with its line end.
 * Throws on a header that would not arrive as that header: nobody is to get a line of their own in by a value.
 */
export type HeadWriter = (status: number, headers: HeaderList, framing: string) => string

const soundName = /^[\w!#$%&'*+.^`|~-]+$/
const unsoundValue = /[^\t\x20-\x7e\x80-\xff]/

/** A writer that formats the date once a second. */
export function openHeadWriter(clock: Clock): HeadWriter {
  let datedSecond = Number.NaN
  let date = ''

  return (status, headers, framing) => {
    const second = Math.floor(clock() / 1000)
    if (second !== datedSecond) {
      datedSecond = second
      date = `date: ${new Date(second * 1000).toUTCString()}\r\n`
    }
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const name = headers[at] ?? ''
      const value = headers[at + 1] ?? ''
      // Without the value, which may be a secret.
      if (!isSoundName(name) || unsoundValue.test(value))
        throw new TypeError(`the header ${JSON.stringify(name)} cannot be sent`)
      text += `${name}: ${value}\r\n`
    }
    return `${text}${date}${framing}\r\n`
  }
}

/** Names that were looked at before: few, and each answer has most of them. */
const soundNames = new Set<string>()
const soundNamesKept = 1000

function isSoundName(name: string): boolean {
  if (soundNames.has(name)) return true
  if (!soundName.test(name)) return false
  if (soundNames.size < soundNamesKept) soundNames.add(name)
  return true
}
