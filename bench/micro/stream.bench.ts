import { openChatStream } from '../../src/dialects/openai-chat/stream.ts'
import type { Bench } from './run.ts'
import { chatStreamChunks } from './texts.ts'

const stamps = [null, Buffer.from('"aurora/lumen-2"')]

/** Streams whose tokens trickle, and the same in a burst; only read, and with `model` stamped. */
export const benches: Bench[] = [50, 300].flatMap((events) => {
  const chunks = chatStreamChunks(events)
  const burst = [Buffer.concat(chunks)]
  return stamps.flatMap((stampModel) => {
    const what = stampModel === null ? 'tapped' : 'stamped'
    return [
      { name: `stream of ${events} events ${what}, one a chunk`, run: () => relay(chunks, stampModel) },
      { name: `stream of ${events} events ${what}, all in one chunk`, run: () => relay(burst, stampModel) },
    ]
  })
})

function relay(chunks: readonly Buffer[], stampModel: Buffer | null): unknown {
  const stream = openChatStream({ stampModel, hideUsageEvent: true, maxEventBytes: 1 << 24 })
  for (const chunk of chunks) stream.push(chunk)
  stream.end()
  return stream.usage()
}
