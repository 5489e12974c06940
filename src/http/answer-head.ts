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
  /** The names of the last head by their places, which are mostly those of the next, and what stands before their values. */
  const lastNames: string[] = []
  const lastBegins: string[] = []

  function dateLine(): string {
    const second = Math.floor(clock() / 1000)
    if (second === datedSecond) return date
    datedSecond = second
    date = `\r\ndate: ${new Date(second * 1000).toUTCString()}\r\n`
    return date
  }

  function begin(name: string, place: number): string {
    if (!soundName.test(name)) throw unsendable(name)
    lastNames[place] = name
    lastBegins[place] = `\r\n${name}: `
    return lastBegins[place]
  }

  return (status, headers, framing) => {
    let text = status === 200 ? 'HTTP/1.1 200 OK' : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}`
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const place = at >> 1
      const name = headers[at] ?? ''
      const value = headers[at + 1] ?? ''
      if (!isSoundValue(value)) throw unsendable(name)
      text += name === lastNames[place] ? lastBegins[place] : begin(name, place)
      text += value
    }
    return text + dateLine() + framing + lineEnd
  }
}

const lineEnd = '\r\n'

/** Without the value, which may be a secret. */
function unsendable(name: string): TypeError {
  return new TypeError(`the header ${JSON.stringify(name)} cannot be sent`)
}

/** Tabs, and what is printable in Latin-1. By hand: for a short text the engine's expressions take thrice as long. */
function isSoundValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if ((code < 0x20 && code !== 9) || code === 0x7f || code > 0xff) return false
  }
  return true
}
