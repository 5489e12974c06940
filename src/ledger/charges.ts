import type { EpochMs } from '../domain/time.ts'
import type { Charge } from '../limits/plan.ts'

/** What a charge is charged to: a period of a counter, or, with null for both ends, its rolling window. */
export interface ChargeTarget {
  readonly counter: string
  readonly generation: number
  readonly startsAt: EpochMs | null
  readonly endsAt: EpochMs | null
}

/**
 * The charges of a record as it is stored: a text that names their targets, and their amounts as one list of numbers.
 *
 * The targets are the same from call to call as long as plan and period are, so their text is written and read once for
 * many records: parsing the names anew took a third of the drain's time. Each part of a name, and each number, stands in it
 * once, for half of what every record is would otherwise be the names of a tree. For each target the amounts hold the whole
 * amount, for a rolling window first how many milliseconds before the record it was charged; and behind them all, for
 * each target its pico part, unless all of these are 0.
 */
export interface StoredCharges {
  readonly targets: string
  readonly amounts: readonly number[]
}

/** The JSON of stored charges: both members, separated by a comma. `at` is the instant of their record. */
export function chargesText(charges: readonly Charge[], at: EpochMs): string {
  let amounts = ''
  let hasPico = false
  for (const { startsAt, endsAt, amount } of charges) {
    const separator = amounts === '' ? '' : ','
    amounts +=
      endsAt === null ? `${separator}${at - startsAt},${amount.whole}` : `${separator}${amount.whole}`
    hasPico ||= amount.pico !== 0
  }
  if (hasPico) for (const { amount } of charges) amounts += `,${amount.pico}`
  return `"${targetsText(charges)}",[${amounts}]`
}

/** The targets that a text names; null if it is none of ours. The same array for the same text. */
export function readTargets(text: string): readonly ChargeTarget[] | null {
  if (text === lastRead.text) return lastRead.targets
  const known = read.get(text)
  if (known !== undefined) {
    lastRead = { text, targets: known }
    return known
  }
  const [named = '', ...parts] = text.split('|')
  const words = named.split(',')
  const targets = text === '' ? [] : parts.map((part) => readTarget(part, words))
  if ((text !== '' && parts.length === 0) || !targets.every((target) => target !== null)) return null
  if (read.size >= textsKept) read.clear()
  read.set(text, targets)
  return targets
}

/** How many numbers the amounts of these targets are, without their pico parts. */
export function wholesOf(targets: readonly ChargeTarget[]): number {
  let numbers = 0
  for (const { endsAt } of targets) numbers += endsAt === null ? 2 : 1
  return numbers
}

/** Texts by what they name: bounded, and simply begun anew when full. */
const textsKept = 10_000
const read = new Map<string, readonly ChargeTarget[]>()
/** Comparing is cheaper than hashing, and each text is asked for twice. */
let lastRead: { readonly text: string; readonly targets: readonly ChargeTarget[] } = { text: '', targets: [] }
/** By the first target's counter, which few plans share. */
const written = new Map<string, { readonly charges: readonly Charge[]; readonly text: string }>()

function targetsText(charges: readonly Charge[]): string {
  const [first] = charges
  if (first === undefined) return ''
  const known = written.get(first.counter)
  if (known !== undefined && haveSameTargets(known.charges, charges)) return known.text
  const words = new Map<string, string>()
  const targets = charges.map((charge) => targetText(charge, words))
  const text = `${[...words.keys()].join(',')}|${targets.join('|')}`
  if (written.size >= textsKept) written.clear()
  written.set(first.counter, { charges, text })
  return text
}

function haveSameTargets(some: readonly Charge[], others: readonly Charge[]): boolean {
  if (some.length !== others.length) return false
  for (let index = 0; index < some.length; index++) {
    const [one, other] = [some[index], others[index]]
    if (one === undefined || other === undefined) return false
    if (one.counter !== other.counter || one.generation !== other.generation) return false
    if (one.endsAt !== other.endsAt || (one.endsAt !== null && one.startsAt !== other.startsAt)) return false
  }
  return true
}

/** A counter's parts and the numbers behind it, each by its place among the words. */
function targetText({ counter, generation, startsAt, endsAt }: Charge, words: Map<string, string>): string {
  const placeOf = (word: string): string => {
    const place = words.get(word) ?? words.size.toString(36)
    words.set(word, place)
    return place
  }
  const numbers = endsAt === null ? [generation] : [generation, startsAt, endsAt]
  const name = counter.split(':').map((part) => placeOf(escaped(part)))
  return [name.join(':'), ...numbers.map((number) => placeOf(String(number)))].join(',')
}

/** Needs no escapes in JSON. */
function escaped(text: string): string {
  return text.replace(/[^ !#$&-+\--[\]-{}~]/g, (unit) => `%${hex(unit.charCodeAt(0))}`)
}

function hex(code: number): string {
  return code.toString(16).padStart(4, '0')
}

function readTarget(text: string, words: readonly string[]): ChargeTarget | null {
  const [name = '', ...numbers] = text.split(',')
  const parts = name.split(':').map((place) => wordAt(place, words))
  const digits = numbers.map((place) => wordAt(place, words) ?? '')
  if (parts.includes(null) || !digits.every((word) => /^\d{1,15}$/.test(word))) return null
  const [generation, startsAt = null, endsAt = null] = digits.map(Number)
  if (generation === undefined || (startsAt === null) !== (endsAt === null) || digits.length > 3) return null
  const counter = parts
    .join(':')
    .replace(/%([0-9a-f]{4})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
  return { counter, generation, startsAt, endsAt }
}

function wordAt(place: string, words: readonly string[]): string | null {
  return /^[0-9a-z]{1,4}$/.test(place) ? (words[Number.parseInt(place, 36)] ?? null) : null
}
