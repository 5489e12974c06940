import { STATUS_CODES } from 'node:http'
import type { Clock } from '../domain/time.ts'
import type { HeaderList } from '../gateway/exchange.ts'

/**
 * Writes the head of an answer, with its `Date` and its end. `framing` is a line or several, each with its line end.
 * Throws on a header that would not arrive as that header: nobody is to get a line of their own in by a value.
 */
export type HeadWriter = (status: number, headers: HeaderList, framing: string) => string

const soundName = /^[\w!#$%&'*+.^`|~-]+$/

/** A writer that formats the date once a second. */
export function openHeadWriter(clock: Clock): HeadWriter {
  let datedSecond = Number.NaN
  let date = ''
  /** The names of the last head by their places: those of the next are mostly the same. */
  const lastNames: string[] = []

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
      const isKnown = name === lastNames[at >> 1]
      // Without the value, which may be a secret.
      if (!(isKnown || soundName.test(name)) || !isSoundValue(value))
        throw new TypeError(`the header ${JSON.stringify(name)} cannot be sent`)
      if (!isKnown) lastNames[at >> 1] = name
      text += `${name}: ${value}\r\n`
    }
    return `${text}${date}${framing}\r\n`
  }
}

/** Tabs, and what is printable in Latin-1. By hand: for a short text the engine's expressions take thrice as long. */
function isSoundValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if ((code < 0x20 && code !== 9) || code === 0x7f || code > 0xff) return false
  }
  return true
}
