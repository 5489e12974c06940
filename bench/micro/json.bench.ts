import { scanRequest } from '../../src/dialects/openai-chat/envelope.ts'
import { prepareChatRequest, readChatRequest } from '../../src/dialects/openai-chat/request.ts'
import { isFailure } from '../../src/domain/failure.ts'
import { amendAnswer, amendmentOf, openAmended } from '../../src/json/amend.ts'
import { openAnswer, stampAnswer } from '../../src/json/answer.ts'
import type { Bench } from './run.ts'
import { chunksOf, codeRequest, completion, proseRequest } from './texts.ts'

const bodies = [1_000, 10_000, 100_000].flatMap((bytes) => [
  { name: `${bytes / 1000} kB prose`, body: proseRequest(bytes) },
  { name: `${bytes / 1000} kB code`, body: codeRequest(bytes) },
])

const changes = {
  model: Buffer.from('"lumen-2-target"'),
  dropMembers: [],
  forceUsage: true,
  outputCap: null,
} as const
const stamp = Buffer.from('"aurora/lumen-2"')

const extra = amendmentOf('extra_fields', { usage: 1 << 20 })
const extraValue = Buffer.from('{"provider":"aurora","latency":812}')

function stampInChunks(chunks: readonly Buffer[]): unknown {
  const relay = openAnswer(stamp)
  for (const chunk of chunks) relay.push(chunk)
  return relay.usage()
}

function amendInChunks(chunks: readonly Buffer[]): unknown {
  const relay = openAmended(extra)
  for (const chunk of chunks) relay.push(chunk)
  return relay.end(extraValue)
}

const whole = completion()
/** Of few long members, of many short ones, and of these in chunks that cut nearly each of them. */
const chunked: Bench[] = [
  { name: '100 kB prose in chunks of 16 kB', chunks: chunksOf(proseRequest(100_000), 1 << 14) },
  { name: '100 kB code in chunks of 16 kB', chunks: chunksOf(codeRequest(100_000), 1 << 14) },
  { name: 'a completion in two chunks', chunks: chunksOf(whole, (whole.length >> 1) + 1) },
  { name: 'a completion in chunks of 16 bytes', chunks: chunksOf(whole, 16) },
].flatMap(({ name, chunks }) => [
  { name: `stamp ${name}`, run: () => stampInChunks(chunks) },
  { name: `amend ${name}`, run: () => amendInChunks(chunks) },
])

/** Requests and whole answers, in prose and in code, beside what parsing them would cost. */
const inOnePiece: Bench[] = bodies.flatMap(({ name, body }) => {
  const envelope = scanRequest(body)
  if (isFailure(envelope)) throw new Error('not a chat request')
  const request = readChatRequest(body, envelope)
  if (isFailure(request)) throw new Error('not a chat request')
  return [
    { name: `scan ${name}`, run: () => scanRequest(body) },
    { name: `splice ${name}`, run: () => prepareChatRequest(body, request, changes) },
    { name: `whole answer, one chunk, ${name}`, run: () => stampAnswer(body, stamp) },
    { name: `amend whole answer, one chunk, ${name}`, run: () => amendAnswer(body, extra, extraValue) },
    { name: `(JSON.parse ${name})`, run: () => JSON.parse(body.toString()) },
  ]
})

export const benches: readonly Bench[] = [...inOnePiece, ...chunked]
