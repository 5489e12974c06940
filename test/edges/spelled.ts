import fc from 'fast-check'
import { keyText, otherKeyText, spaces, valueText } from '../../src/json/texts.arbitrary.ts'

/** A text, and what it must have become on the other side of the gateway: both made together, neither from the other. */
export interface Spelled {
  readonly sent: string
  readonly expected: string
}

/** A member of an object. `becomes` is its value on the other side; null where the member is cut out. */
export interface SpelledMember {
  readonly key: string
  readonly value: string
  readonly becomes: string | null
}

export interface ObjectOptions {
  /** Stands first in the object on the other side, in front of a comma unless nothing else stands there. */
  readonly inserted?: string
  readonly gap?: fc.Arbitrary<string>
}

/** An object of these members in this order, with white space anywhere. At least one member stays, or there is none. */
export function spelledObject(
  members: readonly SpelledMember[],
  { inserted, gap = spaces }: ObjectOptions = {},
): fc.Arbitrary<Spelled> {
  const gapCount = Math.max(1, 4 * members.length)
  return fc.array(gap, { minLength: gapCount, maxLength: gapCount }).map((gaps) => {
    if (members.length === 0) return { sent: `{${gaps[0]}}`, expected: `{${inserted ?? ''}${gaps[0]}}` }
    let sent = ''
    let expected = inserted === undefined ? '' : `${inserted},`
    let keepsAny = false
    members.forEach(({ key, value, becomes }, index) => {
      const [before = '', afterKey = '', beforeValue = '', after = ''] = gaps.slice(4 * index, 4 * index + 4)
      sent += `${index > 0 ? ',' : ''}${before}${key}${afterKey}:${beforeValue}${value}${after}`
      if (becomes !== null) {
        expected += `${keepsAny ? ',' : ''}${before}${key}${afterKey}:${beforeValue}${becomes}${after}`
        keepsAny = true
      } else {
        // Its own comma goes with it, and what white space is left stands on the other side of that comma.
        expected += keepsAny ? after : before
      }
    })
    return { sent: `{${sent}}`, expected: `{${expected}}` }
  })
}

/** A member that goes through as it is. */
export function member(name: string, value: fc.Arbitrary<string> = valueText): fc.Arbitrary<SpelledMember> {
  return changedMember(
    name,
    value.map((text) => ({ sent: text, expected: text })),
  )
}

/** A member whose value becomes another. */
export function changedMember(name: string, value: fc.Arbitrary<Spelled>): fc.Arbitrary<SpelledMember> {
  return fc
    .tuple(keyText(name), value)
    .map(([key, { sent, expected }]) => ({ key, value: sent, becomes: expected }))
}

/** A member that never reaches the other side. */
export function cutMember(name: string, value: fc.Arbitrary<string>): fc.Arbitrary<SpelledMember> {
  return fc.tuple(keyText(name), value).map(([key, text]) => ({ key, value: text, becomes: null }))
}

/** Members that nobody has heard of. */
export const strangers: fc.Arbitrary<SpelledMember[]> = fc.array(
  fc.tuple(otherKeyText, valueText).map(([key, value]) => ({ key, value, becomes: value })),
  { maxLength: 4 },
)

/** The members in any order, those that are undefined left out. */
export function anyOrder(
  members: readonly (SpelledMember | undefined)[],
): fc.Arbitrary<readonly SpelledMember[]> {
  const given = members.filter((one) => one !== undefined)
  return fc.shuffledSubarray(given, { minLength: given.length })
}

/** `arbitrary`, or undefined. */
export function maybe<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined })
}
