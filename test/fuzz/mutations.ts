/** A source of numbers that the same seed makes say the same again. */
export interface Dice {
  /** An integer in [0, below). */
  roll(below: number): number
  pick<Item>(items: readonly Item[]): Item
  /** True once in so many times. */
  onceIn(times: number): boolean
}

/** Dice of one seed: 32 bits of state, good enough to choose mutations by. */
export function openDice(seed: number): Dice {
  let state = seed >>> 0
  const roll = (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
  return {
    roll,
    pick(items) {
      const item = items[roll(items.length)]
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
    onceIn: (times) => roll(times) === 0,
  }
}

/** What parsers of HTTP, JSON and their readers have been known to trip over. */
const tokens = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  ' ',
  '\t',
  '\u00ff',
  '\u00c0\u0080',
  '\u00ef\u00bb\u00bf',
  '%00',
  '%2e%2e%2f',
  '//',
  '?',
  '#',
  '-',
  '1e999',
  '99999999999999999999',
  'null',
  'true',
  '"model":',
  '"messages":',
  '"mod\\u0065l":"x",',
  '"stream":true,',
  '"stream_options":{},',
  '"metadata":{},',
  '"max_tokens":1,',
  '[{'.repeat(500),
  'Content-Length: 5\r\n',
  'Content-Length: 99999999999\r\n',
  'Content-Length: -1\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip\r\n',
  'Expect: 100-continue\r\n',
  'Connection: close\r\n',
  'Connection: Upgrade\r\nUpgrade: h2c\r\n',
  'Content-Type: text/plain\r\n',
  'Content-Encoding: gzip\r\n',
  'Host: elsewhere\r\n',
  'Authorization: Bearer x\r\n',
  'X-Request-Id: \u0007\r\n',
  ' folded\r\n',
  `X-Long: ${'x'.repeat(20_000)}\r\n`,
  'HTTP/1.0',
  'HTTP/9.9',
  'CONNECT ',
  '0\r\n\r\n',
  'ffffffff\r\n',
].map((token) => Buffer.from(token, 'latin1'))

type Mutation = (bytes: Buffer, dice: Dice, corpus: readonly Buffer[]) => Buffer

const replaceAt = (bytes: Buffer, from: number, to: number, middle: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)])

const nothing = Buffer.alloc(0)

/** A stretch that is short more often than long. */
function stretch(bytes: Buffer, dice: Dice): [from: number, to: number] {
  const from = dice.roll(bytes.length + 1)
  return [from, Math.min(bytes.length, from + dice.roll(dice.pick([2, 8, 64, bytes.length + 1])))]
}

/** Lines of the head, each with its line end; the body is the last of them. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return [...lines, bytes.subarray(at)]
    lines.push(bytes.subarray(at, end + 2))
    at = end + 2
    if (end === at - 2 && lines.at(-1)?.length === 2) return [...lines, bytes.subarray(at)]
  }
}

const mutations: readonly Mutation[] = [
  function flipBit(bytes, dice) {
    if (bytes.length === 0) return bytes
    const copy = Buffer.from(bytes)
    const at = dice.roll(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << dice.roll(8))
    return copy
  },
  function insertToken(bytes, dice) {
    const at = dice.roll(bytes.length + 1)
    return replaceAt(bytes, at, at, dice.pick(tokens))
  },
  function replaceByToken(bytes, dice) {
    return replaceAt(bytes, ...stretch(bytes, dice), dice.pick(tokens))
  },
  function remove(bytes, dice) {
    return replaceAt(bytes, ...stretch(bytes, dice), nothing)
  },
  function repeat(bytes, dice) {
    const [from, to] = stretch(bytes, dice)
    return replaceAt(bytes, to, to, bytes.subarray(from, to))
  },
  function cut(bytes, dice) {
    return bytes.subarray(0, dice.roll(bytes.length + 1))
  },
  function splice(bytes, dice, corpus) {
    const other = dice.pick(corpus)
    return Buffer.concat([
      bytes.subarray(0, dice.roll(bytes.length + 1)),
      other.subarray(dice.roll(other.length + 1)),
    ])
  },
  function exchangeLines(bytes, dice) {
    const lines = linesOf(bytes)
    const [one, other] = [dice.roll(lines.length), dice.roll(lines.length)]
    return Buffer.concat(lines.with(one, lines[other] ?? nothing).with(other, lines[one] ?? nothing))
  },
  function repeatLine(bytes, dice) {
    const lines = linesOf(bytes)
    const at = dice.roll(lines.length)
    return Buffer.concat([...lines.slice(0, at), lines[at] ?? nothing, ...lines.slice(at)])
  },
  function dropLine(bytes, dice) {
    return Buffer.concat(linesOf(bytes).toSpliced(1 + dice.roll(8), 1))
  },
  function addLine(bytes, dice) {
    const lines = linesOf(bytes)
    return Buffer.concat(lines.toSpliced(1 + dice.roll(lines.length), 0, dice.pick(tokens)))
  },
  function changeNumber(bytes, dice) {
    const text = bytes.toString('latin1')
    const numbers = [...text.matchAll(/\d+/g)]
    if (numbers.length === 0) return bytes
    const { 0: digits, index } = dice.pick(numbers)
    const changed = dice.pick([String(Number(digits) + 1), '0', `${digits}0`, `-${digits}`, `${digits}.0`])
    return replaceAt(bytes, index, index + digits.length, Buffer.from(changed))
  },
]

/** One request of the corpus, most often with a few things done to it: to all of it, or to its body under a sound head. */
export function mutated(corpus: readonly Buffer[], dice: Dice): Buffer {
  const chosen = dice.pick(corpus)
  const bodyStart = chosen.indexOf('\r\n\r\n') + 4
  const length = /Content-Length: \d+/.exec(chosen.toString('latin1', 0, bodyStart))
  if (length === null || dice.onceIn(2)) return changed(chosen, corpus, dice)

  const body = changed(chosen.subarray(bodyStart), corpus, dice)
  const head = chosen.toString('latin1', 0, bodyStart).replace(length[0], `Content-Length: ${body.length}`)
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}

function changed(bytes: Buffer, corpus: readonly Buffer[], dice: Dice): Buffer {
  let changing = bytes
  for (let left = dice.pick([0, 0, 1, 1, 1, 2, 4]); left > 0; left--) {
    changing = dice.pick(mutations)(changing, dice, corpus)
  }
  return changing
}
