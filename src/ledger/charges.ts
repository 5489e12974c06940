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
 * many records: parsing the names anew took a third of the drain's time. For each target the amounts hold the whole
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
  const targets = text === '' ? [] : text.split('|').map(readTarget)
  if (!targets.every((target) => target !== null)) return null
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
  const text = charges.map(targetText).join('|')
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

/** Needs no escapes in JSON. */
function targetText({ counter, generation, startsAt, endsAt }: Charge): string {
  const name = counter.replace(/[^ !#$&-+\--[\]-{}~]/g, (unit) => `%${hex(unit.charCodeAt(0))}`)
  return endsAt === null ? `${name},${generation}` : `${name},${generation},${startsAt},${endsAt}`
}

function hex(code: number): string {
  return code.toString(16).padStart(4, '0')
}

function readTarget(text: string): ChargeTarget | null {
  const [name, ...numbers] = text.split(',')
  if (name === undefined || !numbers.every((digits) => /^\d{1,15}$/.test(digits))) return null
  const [generation, startsAt = null, endsAt = null] = numbers.map(Number)
  if (generation === undefined || (startsAt === null) !== (endsAt === null) || numbers.length > 3) return null
  const counter = name.replace(/%([0-9a-f]{4})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
  return { counter, generation, startsAt, endsAt }
}
