import { add, type Quantity, toPico } from '../domain/quantity.ts'
import type { Judged, Limited, Subject } from './plan.ts'

/** A refusal as callers of a virtual key are told of it. */
export interface NativeRefusal {
  readonly type: 'request_limited' | 'token_limited' | 'rate_limited' | 'budget_exceeded'
  readonly status: 429 | 402
  readonly message: string
}

/** Who has spent it. A provider and a model are called by their names. */
const subjects: Partial<Record<Subject['level'], string>> = {
  virtual_key: 'VK',
  team: 'Team',
  customer: 'Customer',
}

const prefixes: Partial<Record<Subject['level'], string>> = {
  provider: 'Provider-level ',
  model: 'Model-level ',
}

/**
 * Says why a native call is refused: by the first row that refuses, and the other half of its rate limit if that does
 * too. What is used is told with what calls under way hold.
 */
export function nativeRefusalOf({ row, judged }: Limited): NativeRefusal {
  const { subject } = row
  if (subject === null) throw new TypeError(`${row.counter}: a limit of nobody refused a native call`)
  const halves = judged.filter((other) => other.row.subject?.limitId === subject.limitId)
  const who = subjects[subject.level] ?? subject.name
  const prefix = prefixes[subject.level] ?? ''
  const exceeded = halves.map(sentenceOf).join('; ')
  if (row.metric === 'cost') {
    const what = prefix === '' ? 'Budget' : `${prefix}budget`
    const message = `${what} exceeded: ${who} budget exceeded: ${exceeded}`
    return { type: 'budget_exceeded', status: 402, message }
  }
  const what = prefix === '' ? 'Rate' : `${prefix}rate`
  return {
    type: halves.length > 1 ? 'rate_limited' : `${row.metric}_limited`,
    status: 429,
    message: `${what} limit check failed: rate limit violated for ${who}: ${exceeded}`,
  }
}

function sentenceOf(judged: Judged): string {
  const { metric, ceiling, window, unit } = judged.row
  const spent = spentOf(judged)
  if (metric === 'cost') return `${fourDigits(spent)} >= ${fourDigits(ceiling)} dollars`
  const resets = window.kind === 'endless' ? 'never resets' : `resets every ${unit}`
  return `${metric} limit exceeded (${spent.whole}/${ceiling.whole}, ${resets})`
}

/** A strict row refuses while it has room, but not enough: what the call needs is counted, or nobody would see why. */
function spentOf({ row, used, held, needed }: Judged): Quantity {
  const spent = add(used, held)
  return row.strict && row.metric !== 'request' ? add(spent, needed) : spent
}

/** Dollars to four digits, rounded half up: only for people. */
function fourDigits(money: Quantity): string {
  const digits = String((toPico(money) + 50_000_000n) / 100_000_000n).padStart(5, '0')
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`
}
