import type { IncomingMessage, ServerResponse } from 'node:http'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import { ask, openTestClient, requestTo, serveHttp, turn, until, watch } from './connections.fixture.ts'

/** What befalls one request. Steps count turns of the event loop; null for never. */
interface Fate {
  startStep: number
  bodyBytes: number
  kind: string
  abortStep: number | null
  pauseStep: number | null
  resumeStep: number
}

const fate = fc.record({
  startStep: fc.nat(40),
  bodyBytes: fc.constantFrom(0, 3, 5_000, 70_000, 600_000),
  kind: fc.constantFrom('whole', 'whole', 'chunked', 'slow', 'cut', 'reset', 'silent'),
  abortStep: fc.option(fc.nat(15), { freq: 3 }),
  pauseStep: fc.option(fc.nat(10), { freq: 2 }),
  resumeStep: fc.nat(10),
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.on('error', () => {})
  response.on('error', () => {})
  const kind = request.headers['x-kind']
  const parts: Buffer[] = []
  if (kind === 'reset') {
    request.socket.resetAndDestroy()
    return
  }
  request.on('data', (part: Buffer) => parts.push(part))
  await new Promise((resolve) => request.once('close', resolve).once('end', resolve))
  const body = Buffer.concat(parts)
  if (kind === 'silent') return
  if (kind === 'whole' || kind === 'cut')
    response.setHeader('content-length', body.length + (kind === 'cut' ? 1 : 0))
  if (kind === 'slow' || kind === 'chunked') {
    for (let at = 0; at < body.length; at += 9_999) {
      response.write(body.subarray(at, at + 9_999))
      if (kind === 'slow') await turn()
    }
    response.end()
  } else {
    response.end(body, () => kind === 'cut' && request.socket.destroy())
  }
}

it('whatever befalls requests, each ends once and leaves sound connections', {
  timeout: 300_000,
}, async () => {
  const server = await serveHttp((request, response) => void answer(request, response))
  const client = openTestClient({ limits: { maxIdlePerOrigin: 8 } })

  async function live({ startStep, bodyBytes, kind, abortStep, pauseStep, resumeStep }: Fate) {
    for (let step = 0; step < startStep; step++) await turn()
    const body = Buffer.alloc(bodyBytes, `${startStep}.`)
    const call = watch(client, requestTo(server.origin, { body: [body], headers: `x-kind: ${kind}\r\n` }))
    for (let step = 0; step <= 20; step++) {
      if (step === pauseStep) call.pause()
      if (step === abortStep) call.abort()
      if (pauseStep !== null && step === pauseStep + resumeStep) call.resume()
      await turn()
    }
    if (abortStep !== null) {
      expect(call.endings).toBeLessThanOrEqual(1)
      return
    }
    if (kind === 'silent') call.abort()
    if (kind === 'silent') return
    const { failure, body: received } = await call.answer
    expect(call.endings).toBe(1)
    if (kind === 'cut' || kind === 'reset') expect(failure).toMatchObject({ problem: 'cut' })
    else expect({ failure, isSame: received.equals(body) }).toEqual({ failure: null, isSame: true })
  }

  await fc.assert(
    fc.asyncProperty(fc.array(fate, { minLength: 10, maxLength: 60 }), async (fates) => {
      await Promise.all(fates.map(live))
      expect(client.stats()).toMatchObject({ waiting: 0, unclean: 0 })
      expect(client.stats().open).toBe(client.stats().free)
      expect(
        (await ask(client, requestTo(server.origin, { headers: 'x-kind: whole\r\n' }))).failure,
      ).toBeNull()
      await until(() => server.openCount() === client.stats().open)
    }),
    { numRuns: isLong ? 300 : 8 },
  )
})
