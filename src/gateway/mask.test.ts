import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import { endMask, type Mask, maskChunk, type Needles, needlesOf, openMask } from './mask.ts'

const runs = isLong ? 20_000 : 1000

function needlesFor(...secrets: string[]): Needles {
  const needles = needlesOf(secrets)
  if (needles === null) throw new Error(`nothing to look for in ${JSON.stringify(secrets)}`)
  return needles
}

function through(mask: Mask, chunks: readonly Buffer[]): Buffer {
  return Buffer.concat([...chunks.map((chunk) => Buffer.from(maskChunk(mask, chunk))), endMask(mask)])
}

function shown(text: string, ...secrets: string[]): string {
  return through(openMask(needlesFor(...secrets)), [Buffer.from(text)]).toString()
}

/** The same in the plainest way: from the whole text. */
function plainlyMasked(text: string, forms: readonly string[]): string {
  const out = [...text]
  const star = (start: number, end: number) => out.fill('*', start, end)
  for (const form of forms)
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) star(at, at + form.length)
  const beginnings = forms.flatMap((form) => Array.from(form, (_, length) => form.slice(0, length)))
  const tail = Math.max(...beginnings.map((it) => (text.endsWith(it) ? it.length : 0)))
  if (tail >= 8) star(text.length - tail, text.length)
  return out.join('')
}

/** A text cut at these places. */
function cutAt(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text)
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
}

/** Of so few letters that needles overlap with themselves, with each other and with what stands around them. */
const letters = fc.constantFrom('a', 'b', '"', '/', '\\')
const secretText = fc.string({ unit: letters, minLength: 8, maxLength: 12 })

const answer = fc.array(secretText, { minLength: 1, maxLength: 3 }).chain((secrets) => {
  const forms = needlesFor(...secrets).all.map(({ bytes }) => bytes.toString())
  const part = fc.oneof(
    fc.constantFrom(...forms),
    fc.tuple(fc.constantFrom(...forms), fc.nat(16)).map(([form, length]) => form.slice(0, length)),
    fc.string({ unit: letters, maxLength: 20 }),
    fc.constantFrom('\n', 'data: {"a":1}\n\n', 'x'),
  )
  return fc.record({
    needles: fc.constant(needlesFor(...secrets)),
    forms: fc.constant(forms),
    text: fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
    places: fc.array(fc.nat(1000), { maxLength: 20 }),
  })
})

describe('what a provider quotes of a credential', () => {
  test('is masked wherever it stands and however the answer is cut, and nothing else is', () => {
    fc.assert(
      fc.property(answer, ({ needles, forms, text, places }) => {
        const out = through(openMask(needles), cutAt(text, places))
        expect(out.toString()).toBe(plainlyMasked(text, forms))
      }),
      { numRuns: runs },
    )
  })

  test('is never held back beyond its last byte but one, nor across the end of an event', () => {
    fc.assert(
      fc.property(answer, ({ needles, text, places }) => {
        const mask = openMask(needles)
        let arrived = 0
        let released = 0
        for (const chunk of cutAt(text, places)) {
          arrived += chunk.length
          released += maskChunk(mask, chunk).length
          expect(arrived - released).toBeLessThan(needles.longestBytes)
          if (chunk.at(-1) === 0x0a) expect(released).toBe(arrived)
        }
      }),
      { numRuns: runs },
    )
  })

  test('is found in each of the forms in which it can be written', () => {
    const secret = 'a/b"c\\d€é-0123'
    const forms = [secret, JSON.stringify(secret).slice(1, -1), String.raw`a\/b\"c\\d€é-0123`]
    expect(shown(forms.join(' and '), secret)).toBe(
      forms.map((form) => '*'.repeat(Buffer.byteLength(form))).join(' and '),
    )
    const asSent = Buffer.from('no: clé-0123456', 'latin1')
    expect(through(openMask(needlesFor('clé-0123456')), [asSent]).toString()).toBe('no: ***********')
    expect(shown(String.raw`a base64 key: ab\/cd+ef==`, 'ab/cd+ef==')).toBe('a base64 key: ***********')
  })

  test('is found behind bytes that look like its own', () => {
    expect(shown('sk-sk-Zebra-12', 'sk-Zebra-12')).toBe('sk-***********')
    expect(shown('Zebra-12 sk-Zebra-1', 'sk-Zebra-12')).toBe('Zebra-12 **********')
  })

  test('is not looked for where it is too short to be secret', () => {
    expect(needlesOf([])).toBeNull()
    expect(needlesOf(['', 'ollama', 'sk-1234'])).toBeNull()
    expect(shown('ollama has sk-12345', 'ollama', 'sk-12345')).toBe('ollama has ********')
  })
})

test('an answer without a secret goes through as the same buffers', () => {
  const mask = openMask(needlesFor('sk-proj-0123456789'))
  const chunks = ['{"a":"sk-proj', '-1"}', 'data: sk-\n\n'].map((text) => Buffer.from(text))
  expect(maskChunk(mask, chunks[0]!).toString()).toBe('{"a":"')
  expect(maskChunk(mask, chunks[1]!).toString()).toBe('sk-proj-1"}')
  expect(maskChunk(mask, chunks[2]!)).toBe(chunks[2])
  expect(endMask(mask).length).toBe(0)
})
