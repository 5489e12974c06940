import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keyText, spaces, valueText } from '../../src/json/texts.arbitrary.ts'
import type { Script } from '../fake-upstream.ts'
import { isLong } from '../setup/form.ts'
import {
  anyOrder,
  changedMember,
  cutMember,
  maybe,
  member,
  type Spelled,
  type SpelledMember,
  spelledObject,
  strangers,
} from './spelled.ts'
import { dial, type Wire, type WireAnswer } from './wire.ts'
import { chatBody, expectHealthy, openWorld, slug, type World } from './world.ts'

const numRuns = isLong ? 4000 : 100

/** What the configuration says the upstream calls the model. */
const upstreamModel = '"lumen-2"'
const stamp = JSON.stringify(slug)

let world: World
let wire: Wire

beforeAll(async () => {
  world = await openWorld()
  wire = dial(world.gateway.url)
})
afterAll(async () => {
  wire.socket.destroy()
  await expectHealthy(world)
  await world.close()
})

/** A text cut where `places` say, each in [0, 1]. */
function cutAt(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text)
  const cuts = [0, ...places.map((place) => Math.floor(place * bytes.length)).toSorted((a, b) => a - b)]
  return cuts.map((cut, index) => bytes.subarray(cut, cuts[index + 1] ?? bytes.length))
}

const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 })

describe('requests', () => {
  const count = fc.constantFrom('1', '0', '16', '1.0', '1e2', '-1', '12345678901234567890', 'null', '"x"')

  interface StreamOptions extends Spelled {
    readonly asksForUsage: boolean
    /** What the whole value becomes in a stream whose usage was not asked for. */
    readonly forced: string
  }

  const streamOptions: fc.Arbitrary<StreamOptions> = fc.oneof(
    fc.constant({ sent: 'null', expected: 'null', asksForUsage: false, forced: '{"include_usage":true}' }),
    strangers.chain((others) =>
      spelledObject(others, { inserted: '"include_usage":true' }).map(({ sent, expected }) => ({
        sent,
        expected: sent,
        asksForUsage: false,
        forced: expected,
      })),
    ),
    fc
      .tuple(strangers, fc.oneof(fc.constantFrom('true', 'false', 'null', '"true"', '1'), valueText))
      .chain(([others, value]) =>
        changedMember('include_usage', fc.constant({ sent: value, expected: 'true' }))
          .chain((usage) => anyOrder([usage, ...others]))
          .chain((members) => spelledObject(members))
          .map(({ sent, expected }) => ({
            sent,
            expected: sent,
            asksForUsage: value === 'true',
            forced: value === 'true' ? sent : expected,
          })),
      ),
  )

  const request = fc
    .record({
      model: changedMember(
        'model',
        keyText(slug).map((text) => ({ sent: text, expected: upstreamModel })),
      ),
      messages: member('messages'),
      stream: maybe(fc.constantFrom('true', 'false', 'null')),
      options: maybe(streamOptions),
      metadata: maybe(
        cutMember('metadata', fc.oneof(fc.constantFrom('null', '{}'), strangers.chain(asObject))),
      ),
      fallbacks: maybe(cutMember('fallbacks', valueText)),
      maxTokens: maybe(member('max_tokens', count)),
      maxCompletionTokens: maybe(member('max_completion_tokens', count)),
      n: maybe(member('n', count)),
      strangers,
    })
    .chain(({ stream, options, strangers: others, ...given }) => {
      const forces = stream === 'true' && options?.asksForUsage !== true
      const becomes = forces ? options?.forced : options?.expected
      const streamed = stream === undefined ? fc.constant(undefined) : member('stream', fc.constant(stream))
      const optioned =
        options === undefined
          ? fc.constant(undefined)
          : changedMember(
              'stream_options',
              fc.constant({ sent: options.sent, expected: becomes ?? options.sent }),
            )
      return fc
        .tuple(streamed, optioned)
        .chain((more) => anyOrder([...Object.values(given), ...more, ...others]))
        .chain((members) =>
          spelledObject(
            members,
            forces && options === undefined ? { inserted: '"stream_options":{"include_usage":true}' } : {},
          ),
        )
    })
    .chain(({ sent, expected }) =>
      fc.tuple(spaces, spaces).map(([before, after]) => ({
        sent: `${before}${sent}${after}`,
        expected: `${before}${expected}${after}`,
      })),
    )

  function asObject(members: readonly SpelledMember[]): fc.Arbitrary<string> {
    return spelledObject(members).map(({ sent }) => sent)
  }

  test('reach the upstream byte for byte, but for the members that the gateway changes', async () => {
    world.upstream.program(() => ({ body: '{}' }))
    await fc.assert(
      fc.asyncProperty(request, places, fc.boolean(), async ({ sent, expected }, cuts, isChunked) => {
        const arrival = world.upstream.nextRequest()
        const pieces = cutAt(sent, cuts).filter((piece) => piece.length > 0)
        if (isChunked) {
          wire.send(world.post('', ['Transfer-Encoding: chunked']))
          for (const piece of pieces) {
            wire.send(`${piece.length.toString(16)}\r\n`)
            wire.send(Buffer.concat([piece, Buffer.from('\r\n')]))
          }
          wire.send('0\r\n\r\n')
        } else {
          wire.send(world.post('', [`Content-Length: ${Buffer.byteLength(sent)}`]))
          for (const piece of pieces) wire.send(piece)
        }
        const answer = await wire.answer()
        expect([answer.status, answer.body.toString()]).toEqual([200, '{}'])
        const arrived = await arrival
        expect(arrived.body.toString()).toBe(expected)
        expect(arrived.headers['content-length']).toBe(String(Buffer.byteLength(expected)))
      }),
      { numRuns },
    )
    world.upstream.program(() => undefined)
  })

  test('keep all but the number of their caps under a strict limit', async () => {
    const group = await world.frontier.createGroup({ models: { [slug]: ['TOKEN/DAY 100000 strict'] } })
    const key = await world.frontier.mintKey(group)
    const outgoing = async (body: string) => {
      const arrival = world.upstream.nextRequest()
      wire.send(world.post(body, [`Authorization: Api-Key ${key}`]))
      expect((await wire.answer()).status).toBe(200)
      return (await arrival).body.toString()
    }
    const head = `{ "model" :"lumen-2",\n"messages":[ ],`
    const ask = (rest: string) => head.replace('lumen-2', slug) + rest
    expect(await outgoing(ask('"max_tokens": 1.0e1 }'))).toBe(`${head}"max_tokens": 1.0e1 }`)
    expect(await outgoing(ask('"x":12345678901234567890 }'))).toBe(
      `{"max_tokens":4096,${head.slice(1)}"x":12345678901234567890 }`,
    )
    const lowered = await outgoing(ask('"max_tokens" : 99999999, "n":2}'))
    expect(lowered).toMatch(/^\{ "model" :"lumen-2",\n"messages":\[ \],"max_tokens" : \d{4,5}, "n":2\}$/)
  })
})

const framing = fc.constantFrom<Script['framing']>('length', 'chunked', 'close')
/** How the upstream writes: in pieces of so many bytes, or all at once. */
const pieceBytes = fc.oneof(fc.integer({ min: 1, max: 48 }), fc.constant(undefined))

/** The answer of a call that the upstream answers so. */
async function answerTo(script: Script, more: object = {}): Promise<WireAnswer> {
  world.upstream.script(script)
  wire.send(world.post(chatBody(more)))
  return wire.answer()
}

const delivered = (body: string, size: number | undefined, framed: Script['framing']): Script => ({
  body,
  ...(size !== undefined && { pieceBytes: size }),
  ...(framed !== undefined && { framing: framed }),
})

describe('whole answers', () => {
  const stamped = changedMember(
    'model',
    valueText.map((text) => ({ sent: text, expected: stamp })),
  )
  const object = fc
    .tuple(fc.array(stamped, { maxLength: 2 }), fc.array(member('usage'), { maxLength: 2 }), strangers)
    .chain((members) => anyOrder(members.flat()))
    .chain((members) => spelledObject(members))
  const before = fc.constantFrom('', '', ' ', '\r\n', '\ufeff')
  const answer: fc.Arbitrary<Spelled> = fc.oneof(
    { weight: 6, arbitrary: object },
    {
      weight: 1,
      arbitrary: fc
        .oneof(
          valueText.filter((text) => !text.startsWith('{')),
          fc.constantFrom('<p>"model":"x"</p>', '"model":1', 'model'),
        )
        .map((text) => ({ sent: text, expected: text })),
    },
  )

  test('reach the caller byte for byte, but for `model`', async () => {
    await fc.assert(
      fc.asyncProperty(answer, before, pieceBytes, framing, async (body, space, size, framed) => {
        const { status, body: received } = await answerTo(delivered(space + body.sent, size, framed))
        expect(status).toBe(200)
        expect(received.toString()).toBe(space + body.expected)
      }),
      { numRuns },
    )
  })

  test('their rest goes through as it is from where they stop being JSON', async () => {
    const { body } = await answerTo({ body: '{"model":"x", "y" oops "model":"x"}' })
    expect(body.toString()).toBe(`{"model":${stamp}, "y" oops "model":"x"}`)
  })
})

describe('streams', () => {
  /** Values that stand on one line, since a line end would end the event’s. */
  const lineValue = valueText.map((text) => text.replaceAll(/[\r\n]/g, ' '))
  const choices = fc.constantFrom(
    '[]',
    '[ ]',
    '[{"index":0,"delta":{"content":"x","model":"y"},"finish_reason":null}]',
    '[{"index":0,"delta":{},"finish_reason":"stop"}, {"index":1}]',
    'null',
  )
  const usage = fc.constantFrom('null', '{"prompt_tokens":3,"completion_tokens":4}', '{}', '7', '[]')

  interface EventText extends Spelled {
    /** Is kept from callers who did not ask for usage. */
    readonly isUsageOnly: boolean
  }

  const jsonEvent = (eol: string): fc.Arbitrary<EventText> => {
    const gap = fc.constantFrom('', '', '', '', ' ', '\t', `${eol}data:`, `${eol}data: `)
    return fc
      .record({
        models: fc.array(
          changedMember(
            'model',
            lineValue.map((text) => ({ sent: text, expected: stamp })),
          ),
          { maxLength: 2 },
        ),
        choices: maybe(choices),
        usage: maybe(usage),
        strangers: strangers.map((members) => members.map((one) => onOneLine(one))),
        start: fc.constantFrom('data: ', 'data:', 'event: chunk\nid: 7\ndata: ', ': a comment\ndata:  '),
      })
      .chain(({ models, choices: chosen, usage: used, strangers: others, start }) => {
        const isUsageOnly = /^\[\s*\]$/.test(chosen ?? '') && (used ?? '').startsWith('{')
        const fixed = [
          ...(chosen === undefined ? [] : [{ key: '"choices"', value: chosen, becomes: chosen }]),
          ...(used === undefined ? [] : [{ key: '"usage"', value: used, becomes: used }]),
        ]
        return anyOrder([...models, ...fixed, ...others])
          .chain((members) => spelledObject(members, { gap }))
          .map((data) => {
            const opening = start.replaceAll('\n', eol)
            const wrap = (text: string) => `${opening}${text}${eol}${eol}`
            return { sent: wrap(data.sent), expected: wrap(data.expected), isUsageOnly }
          })
      })
  }

  function onOneLine({ key, value }: SpelledMember): SpelledMember {
    const line = value.replaceAll(/[\r\n]/g, ' ')
    return { key, value: line, becomes: line }
  }

  const otherEvent = (eol: string): fc.Arbitrary<EventText> =>
    fc
      .constantFrom(
        `: keep-alive${eol}${eol}`,
        `data: hello {"model":"x"}${eol}${eol}`,
        `data${eol}${eol}`,
        `event: ping${eol}data: [1,{"model":"x"}]${eol}${eol}`,
        `retry: 3000${eol}${eol}`,
        eol,
      )
      .map((text) => ({ sent: text, expected: text, isUsageOnly: false }))

  const stream = fc
    .tuple(fc.constantFrom('\n', '\n', '\r\n', '\r'), fc.boolean())
    .chain(([eol, asksForUsage]) =>
      fc
        .tuple(
          fc.array(
            fc.oneof({ weight: 4, arbitrary: jsonEvent(eol) }, { weight: 1, arbitrary: otherEvent(eol) }),
            { maxLength: 6 },
          ),
          fc.constantFrom(
            `data: [DONE]${eol}${eol}`,
            `data:[DONE]${eol}${eol}`,
            `data: [DONE]${eol}`,
            'data: [DONE]',
          ),
        )
        .map(([events, done]) => ({
          asksForUsage,
          sent: events.map(({ sent }) => sent).join('') + done,
          expected:
            events
              .filter(({ isUsageOnly }) => asksForUsage || !isUsageOnly)
              .map(({ expected }) => expected)
              .join('') + done,
        })),
    )

  const eventStream = { contentType: 'text/event-stream; charset=utf-8' } as const

  test('reach the caller byte for byte, but for `model` and the usage that was not asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        stream,
        pieceBytes,
        framing,
        async ({ sent, expected, asksForUsage }, size, framed) => {
          const { status, body } = await answerTo(
            { ...delivered(sent, size, framed), ...eventStream },
            { stream: true, ...(asksForUsage && { stream_options: { include_usage: true } }) },
          )
          expect(status).toBe(200)
          expect(body.toString()).toBe(expected)
        },
      ),
      { numRuns },
    )
  })

  const finish = 'data: {"model":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
  const stampedFinish = finish.replace('"x"', stamp)

  test('get the end that they lack once a choice has finished', async () => {
    const { body } = await answerTo({ ...eventStream, body: finish }, { stream: true })
    expect(body.toString()).toBe(`${stampedFinish}data: [DONE]\n\n`)
  })

  test('are cut where they stop before any choice has finished', async () => {
    world.upstream.script({ ...eventStream, body: finish.replace('"stop"', 'null') })
    const own = dial(world.gateway.url)
    own.send(world.post(chatBody({ stream: true })))
    await expect(own.answer()).rejects.toThrow('the connection ended')
  })

  test('are relayed as streams whatever was asked for, and whole answers as such', async () => {
    const streamed = await answerTo({ ...eventStream, body: `${finish}data: [DONE]\n\n` })
    expect(streamed.body.toString()).toBe(`${stampedFinish}data: [DONE]\n\n`)
    const whole = await answerTo({ body: '{"model":"x"}' }, { stream: true })
    expect(whole.body.toString()).toBe(`{"model":${stamp}}`)
    expect(whole.header('content-type')).toBe('application/json')
  })

  test('with a megabyte in one event go through', async () => {
    const text = 'x'.repeat(2 ** 20)
    const { body } = await answerTo({ text, chunks: 1 }, { stream: true })
    expect(body.toString()).toContain(`"model":${stamp},"choices":[{"index":0,"delta":{"content":"${text}"}`)
  })
})
