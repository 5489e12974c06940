import fc from 'fast-check'
import { isLong } from '../../test/setup/form.ts'

/**
 * JSON texts as bytes on a wire may spell them, and `JSON.stringify` never would: white space anywhere,
 * numbers in all their forms, needless escapes, keys that occur twice.
 */
export const spaces = fc.constantFrom('', '', '', ' ', '\n', '\t\r\n  ')

const escapes = ['\\"', '\\/', '\\n', '\\u0041', '\\ud83d\\ude00', '\\ud800', '\\u0000']

function textOf(escaped: readonly string[]): fc.Arbitrary<string> {
  const character = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...'abc xyz,:{}[]0-') },
    { weight: 1, arbitrary: fc.constantFrom('é', '𝒳', '漢', '\u007f', '\u2028') },
    { weight: 2, arbitrary: fc.constantFrom(...escaped) },
  )
  const short = fc.array(character, { maxLength: 12 })
  const long = fc.array(character, { minLength: 60, maxLength: 200 })
  return fc
    .oneof({ weight: 8, arbitrary: short }, { weight: 1, arbitrary: long })
    .map((characters) => `"${characters.join('')}"`)
}

const stringText = textOf([...escapes, '\\\\'])

/**
 * Any key without a backslash in what it stands for: after one, V8's `JSON.parse` misreads keys that are
 * spelled with escapes, and would be no judge of ours.
 */
export const otherKeyText = textOf(escapes)

const numberText = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom('0', '-0', '1.0', '1e2', '1E+2', '0.5e-3', '-12.50', '12345678901234567890', '1e400'),
)

const plainText = fc.oneof(numberText, fc.constantFrom('true', 'false', 'null'))

/** Spells a name with some of its letters escaped. */
export function keyText(name: string): fc.Arbitrary<string> {
  const letters = [...name].map((letter) => {
    const code = letter.charCodeAt(0).toString(16).padStart(4, '0')
    return fc.constantFrom(letter, letter, letter, letter, `\\u${code}`, `\\u${code.toUpperCase()}`)
  })
  return fc.tuple(...letters).map((spelled) => `"${spelled.join('')}"`)
}

/** A value of any kind and depth. */
export const { value: valueText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    plainText,
    stringText,
    fc.array(tie('value'), { maxLength: 4 }).chain((items) => spaced(['[', ...separated(items), ']'])),
    fc.array(fc.tuple(otherKeyText, tie('value')), { maxLength: 4 }).chain((members) => objectText(members)),
  ),
}))

/** An object of these members, in this order, spelled in any way. */
export function objectText(
  members: readonly (readonly [key: string, value: string])[],
): fc.Arbitrary<string> {
  return spaced(['{', ...separated(members.map(([key, value]) => [key, ':', value])).flat(), '}'])
}

/** A member whose key is one of `names`, whatever its spelling, or any other key. */
export function memberText(names: readonly string[]): fc.Arbitrary<readonly [string, string]> {
  const key = fc.oneof(fc.constantFrom(...names).chain(keyText), otherKeyText)
  return fc.tuple(key, valueText)
}

/** Cuts a buffer at random places. */
export function chunked(bytes: Buffer): fc.Arbitrary<Buffer[]> {
  return fc.array(fc.nat(bytes.length), { maxLength: 8 }).map((cuts) => {
    const bounds = [0, ...cuts.sort((one, other) => one - other), bytes.length]
    return bounds.slice(1).map((end, index) => Buffer.from(bytes.subarray(bounds[index], end)))
  })
}

/** Every byte a chunk of its own. */
export function byteByByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]))
}

function separated<Item>(items: readonly Item[]): (Item | string)[] {
  return items.flatMap((item, index) => (index === 0 ? [item] : [',', item]))
}

function spaced(tokens: readonly string[]): fc.Arbitrary<string> {
  return fc
    .array(spaces, { minLength: tokens.length, maxLength: tokens.length })
    .map((gaps) => tokens.map((token, index) => (index === 0 ? token : `${gaps[index]}${token}`)).join(''))
}

/** How often a property is tried. */
export const runs = isLong ? 20_000 : 300
