import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workspaceKey } from '../setup/frontier.ts'
import { dial, request } from './wire.ts'
import { expectManaged, expectRefusal } from './wording.ts'
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

  test.concurrent('so is one that management waits for', async () => {
    const wire = dial(world.gateway.url)
    const headers = ['Host: localhost', `Authorization: Api-Key ${workspaceKey}`, 'Content-Length: 100']
    wire.send(request('POST /v1/gateway/groups HTTP/1.1', headers, '{"metadata":'))
    expectManaged(await wire.answer(), {
      status: 408,
      code: 'REQUEST_TIMEOUT',
      message: 'The request body stopped arriving.',
    })
    expect(await wire.closed()).toBe('end')
  })

  test('of bodies that do not fit into the memory for them together, one is refused and the others served', async () => {
    const body = chatBody({ padding: 'x'.repeat(700 * 1024) })
    const spaces = 1000
    let spacesSent = 0
    const wires = [0, 1].map(() => dial(world.gateway.url))
    for (const wire of wires) wire.send(world.post(body, [`Content-Length: ${body.length + spaces}`]))
    const holding = setInterval(() => {
      spacesSent += 1
      for (const wire of wires) wire.send(' ')
    }, 200)
    const refused = await Promise.race(
      wires.map(async (wire, index) => ({ index, answer: await wire.answer() })),
    )
    clearInterval(holding)
    expectRefusal(refused.answer, {
      status: 503,
      code: 'model_unavailable',
      message: 'The gateway cannot take this call now. Try again shortly.',
    })
    expect(refused.answer.header('retry-after')).toBe('1')

    const [other] = wires.toSpliced(refused.index, 1)
    other?.send(' '.repeat(spaces - spacesSent))
    expect((await other?.answer())?.status).toBe(200)
    const next = dial(world.gateway.url)
    next.send(world.post(body))
    expect((await next.answer()).status).toBe(200)
    for (const wire of [...wires, next]) wire.socket.destroy()
  })
})
