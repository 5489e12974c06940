import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dial } from './wire.ts'
import { expectRefusal } from './wording.ts'
import { answerTo, chatBody, expectHealthy, openWorld, slug, type World } from './world.ts'

const mb = 2 ** 20

let world: World

beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  await expectHealthy(world)
  await world.close()
})

describe('answers that the upstream sends compressed, though it was asked not to', () => {
  test.each(['gzip', 'br', 'deflate'] as const)('%s, whole', async (encoding) => {
    const text = 'Encore '.repeat(1000)
    world.upstream.script({ encoding, text })
    const arrival = world.upstream.nextRequest()
    const { answer } = await answerTo(world, world.post(chatBody(), ['Accept-Encoding: gzip, br']))
    expect((await arrival).headers['accept-encoding']).toBe('identity')
    expect(answer.header('content-encoding')).toBeNull()
    expect(answer.json()).toMatchObject({ model: slug, choices: [{ message: { content: text } }] })
  })

  test('gzip, streamed: events go on as they come', async () => {
    world.upstream.script({ encoding: 'gzip', stallBefore: 'done' })
    const arrival = world.upstream.nextRequest()
    const wire = dial(world.gateway.url)
    let text = ''
    wire.socket.on('data', (piece) => {
      text += piece.toString()
    })
    wire.send(world.post(chatBody({ stream: true })))
    await arrival
    await expect.poll(() => text, { timeout: 20_000 }).toContain('"finish_reason":"stop"')
    expect(text).not.toContain('[DONE]')
    world.upstream.resume()
    const answer = await wire.answer()
    expect(answer.body.toString()).toMatch(/data: \[DONE\]\n\n$/)
  })

  test('a compressed error', async () => {
    world.upstream.script({ encoding: 'gzip', status: 422, error: { message: 'no such thing' } })
    const { answer } = await answerTo(world, world.post(chatBody()))
    expect(answer.status).toBe(422)
    expect(answer.json()).toEqual({ error: { message: 'no such thing' } })
  })

  test('a whole answer that unpacks to more than a hundred times its size is never complete', async () => {
    world.upstream.script({ encoding: 'gzip', paddingBytes: 16 * mb })
    const wire = dial(world.gateway.url)
    wire.send(world.post(chatBody()))
    const outcome = await wire.answer().catch(() => null)
    if (outcome !== null) expect(outcome.status).toBe(502)
    wire.socket.destroy()
  })

  test('nor is a stream that does', async () => {
    world.upstream.script({ encoding: 'gzip', paddingBytes: 16 * mb })
    const wire = dial(world.gateway.url)
    wire.send(world.post(chatBody({ stream: true })))
    await expect(wire.answer()).rejects.toThrow('the connection ended')
  })

  test('an encoding that nobody knows is no answer', async () => {
    world.upstream.script({ headers: { 'content-encoding': 'rot13' } })
    const { answer } = await answerTo(world, world.post(chatBody()))
    expectRefusal(answer, { status: 502, code: 'model_unavailable', message: /Content-Encoding/ })
  })
})
