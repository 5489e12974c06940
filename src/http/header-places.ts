import type { HeaderChoice, HeaderReading } from '../gateway/exchange.ts'

/**
 * The header lines of a head by their places in its text. Most headers are read by nobody, so nothing is cut out before
 * it is asked for.
 */
export interface HeaderPlaces {
  /** The head, in Latin-1. */
  readonly text: string
  /** For each header: where its name begins and ends, and where its value, without the blanks around it, does. */
  readonly places: readonly number[]
  /** What was made of the headers, by what made it. Heads share it that differ in nothing but their length. */
  readonly readings: Map<unknown, unknown>
}

/** What `read` makes of the headers, made once. */
export function readOnce<T>(headers: HeaderPlaces, read: HeaderReading<T>): T {
  const known = headers.readings.get(read)
  if (known !== undefined) return known as T
  const made = read((name) => findPlaced(headers, name))
  headers.readings.set(read, made)
  return made
}

const numbersEach = 4

/** The first value of a header; `name` in lower case. */
export function findPlaced({ text, places }: HeaderPlaces, name: string): string | null {
  for (let at = 0; at < places.length; at += numbersEach) {
    if (isNamedAt(text, places, at, name)) return valueAt(text, places, at)
  }
  return null
}

/** All values of a header joined as one list, as if it had been sent once; `name` in lower case. */
export function joinPlaced({ text, places }: HeaderPlaces, name: string): string | null {
  let joined: string | null = null
  for (let at = 0; at < places.length; at += numbersEach) {
    if (!isNamedAt(text, places, at, name)) continue
    const value = valueAt(text, places, at)
    joined = joined === null ? value : `${joined}, ${value}`
  }
  return joined
}

/** Names and values in turn, as they came. */
export function listPlaced({ text, places }: HeaderPlaces): string[] {
  const list: string[] = []
  for (let at = 0; at < places.length; at += numbersEach) {
    list.push(text.slice(places[at], places[at + 1]), valueAt(text, places, at))
  }
  return list
}

/** Finished lines of the chosen headers, names in lower case; made once. */
export function placedLines({ text, places, readings }: HeaderPlaces, choice: HeaderChoice): string {
  const known = readings.get(choice)
  if (known !== undefined) return known as string
  let lines = ''
  for (let at = 0; at < places.length; at += numbersEach) {
    const name = chosenName(text, places, at, choice)
    if (name !== null) lines += `${name}: ${valueAt(text, places, at)}\r\n`
  }
  readings.set(choice, lines)
  return lines
}

function chosenName(
  text: string,
  places: readonly number[],
  at: number,
  { names, prefixes }: HeaderChoice,
): string | null {
  for (const name of names) if (isNamedAt(text, places, at, name)) return name
  const [start, end] = [places[at] ?? 0, places[at + 1] ?? 0]
  for (const prefix of prefixes) {
    if (end - start >= prefix.length && spellsAt(text, start, prefix))
      return text.slice(start, end).toLowerCase()
  }
  return null
}

function isNamedAt(text: string, places: readonly number[], at: number, name: string): boolean {
  const start = places[at] ?? 0
  return (places[at + 1] ?? 0) - start === name.length && spellsAt(text, start, name)
}

/** Whether the token at `start` begins with these small letters and hyphens, in any case. */
function spellsAt(text: string, start: number, letters: string): boolean {
  for (let index = 0; index < letters.length; index++) {
    // The bit that makes a letter small makes no other character of a token a letter or a hyphen.
    if ((text.charCodeAt(start + index) | 0x20) !== letters.charCodeAt(index)) return false
  }
  return true
}

function valueAt(text: string, places: readonly number[], at: number): string {
  return text.slice(places[at + 2], places[at + 3])
}
