import { scanRequest } from '../../src/dialects/openai-chat/envelope.ts'
import { prepareChatRequest, readChatRequest } from '../../src/dialects/openai-chat/request.ts'
import { isFailure } from '../../src/domain/failure.ts'
import { stampAnswer } from '../../src/json/answer.ts'
import type { Bench } from './run.ts'
import { codeRequest, proseRequest } from './texts.ts'

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

/** Requests and whole answers, in prose and in code, beside what parsing them would cost. */
export const benches: Bench[] = bodies.flatMap(({ name, body }) => {
  const envelope = scanRequest(body)
  if (isFailure(envelope)) throw new Error('not a chat request')
  const request = readChatRequest(body, envelope)
  if (isFailure(request)) throw new Error('not a chat request')
  return [
    { name: `scan ${name}`, run: () => scanRequest(body) },
    { name: `splice ${name}`, run: () => prepareChatRequest(body, request, changes) },
    { name: `whole answer, one chunk, ${name}`, run: () => stampAnswer(body, stamp) },
    { name: `(JSON.parse ${name})`, run: () => JSON.parse(body.toString()) },
  ]
})
