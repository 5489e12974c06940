import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dial } from './wire.ts'
import { expectRefusal } from './wording.ts'
import { chatBody, expectHealthy, openWorld, type World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await openWorld({ server: { max_request_body_mb: 8, max_buffered_mb: 1, body_idle_seconds: 2 } })
})
afterAll(async () => {
  await expectHealthy(world)
  await world.close()
})
describe('a gateway that is short of patience and of memory', () => {
  test.concurrent.each<[string, string]>([
    ['does not begin', ''],
    ['stops in the middle', '{"model":'],
  ])('a body that %s is refused with 408', async (_name, start) => {
    const wire = dial(world.gateway.url)
    wire.send(world.post(start, ['Content-Length: 100']))
    expectRefusal(await wire.answer(), {
      status: 408,
      code: 'client_error',
      message: 'The request body stopped arriving.',
    })
    expect(await wire.closed()).toBe('end')
  })

  test('bodies above the memory for them are refused until there is room again', async () => {
    const body = chatBody({ padding: 'x'.repeat(700 * 1024) })
    const spaces = 1000
    const holder = dial(world.gateway.url)
    const began = world.post(body, [`Content-Length: ${body.length + spaces}`])
    await new Promise((resolve) => holder.socket.write(began, resolve))
    let sent = 0
    const holding = setInterval(() => {
      if (sent < spaces - 1) holder.send(' ')
      sent += 1
    }, 200)
    const another = async () => {
      const wire = dial(world.gateway.url)
      wire.send(world.post(body))
      const answer = await wire.answer()
      wire.socket.destroy()
      return answer
    }
    await expect.poll(async () => (await another()).status, { timeout: 20_000 }).toBe(503)
    const refused = await another()
    clearInterval(holding)
    expectRefusal(refused, {
      status: 503,
      code: 'model_unavailable',
      message: 'The gateway cannot take this call now. Try again shortly.',
    })
    expect(refused.header('retry-after')).toBe('1')
    holder.send(' '.repeat(spaces - sent))
    expect((await holder.answer()).status).toBe(200)
    expect((await another()).status).toBe(200)
    holder.socket.destroy()
  })
})
