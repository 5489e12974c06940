import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workspaceKey } from '../setup/frontier.ts'
import { dial, request, type Wire } from './wire.ts'
import { expectManaged, invalid, type Refusal } from './wording.ts'
import { answerTo, expectHealthy, openWorld, type World } from './world.ts'

const mb = 2 ** 20

let world: World

beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  await expectHealthy(world)
  await world.close()
})

const notHttp = invalid('The request is not valid HTTP/1.1.')
describe('management', () => {
  const path = '/v1/gateway/groups'
  const authorized = [
    'Host: localhost',
    `Authorization: Api-Key ${workspaceKey}`,
    'Content-Type: application/json',
  ]
  const managed = (method: string, body: string | Buffer, ...headers: string[]) =>
    request(
      `${method} ${path} HTTP/1.1`,
      [...authorized, `Content-Length: ${Buffer.byteLength(body)}`, ...headers],
      body,
    )
  const isNoJson: Refusal = { status: 400, code: 'VALIDATION_ERROR', message: 'The body is not JSON.' }

  async function expectKeptByManagement(wire: Wire): Promise<void> {
    wire.send(request(`GET ${path} HTTP/1.1`, authorized))
    expect((await wire.answer()).status).toBe(200)
    wire.socket.destroy()
  }

  test.each<[string, string | Buffer]>([
    ['malformed JSON', '{"metadata":'],
    ['NUL', '{"metadata":{"external_entity_id":"\0"}}'],
    ['bytes that are no UTF-8', Buffer.from('{"x":"\u00ff"}', 'latin1')],
  ])('%s', async (_name, body) => {
    const { wire, answer } = await answerTo(world, managed('POST', body))
    expectManaged(answer, isNoJson)
    await expectKeptByManagement(wire)
  })

  test('nesting of 100,000 levels does no harm', async () => {
    const { wire, answer } = await answerTo(
      world,
      managed('POST', `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    )
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'VALIDATION_ERROR' })
    await expectKeptByManagement(wire)
  })

  test.each<[string, string]>([
    ['no credential', 'X-Nothing: 1'],
    ['SQL in one', "Authorization: Api-Key ' OR '1'='1"],
    [
      'a Basic password with SQL',
      `Authorization: Basic ${Buffer.from("admin:' OR 1=1 --").toString('base64')}`,
    ],
  ])('%s', async (_name, header) => {
    const { wire, answer } = await answerTo(
      world,
      request(`GET ${path} HTTP/1.1`, ['Host: localhost', header]),
    )
    expectManaged(answer, { status: 401, code: 'UNAUTHORIZED', message: /./ })
    await expectKeptByManagement(wire)
  })

  test('a path of nothing, and a method that a path does not take', async () => {
    const nothing = await answerTo(world, request('GET /v1/gateway/nothing HTTP/1.1', authorized))
    expectManaged(nothing.answer, {
      status: 404,
      code: 'NOT_FOUND',
      message: 'There is nothing at this path.',
    })
    await expectKeptByManagement(nothing.wire)
    const wrong = await answerTo(world, request(`DELETE ${path} HTTP/1.1`, authorized))
    expectManaged(wrong.answer, { status: 405, code: 'METHOD_NOT_ALLOWED', message: /POST/ })
    expect(wrong.answer.header('allow')?.split(', ').toSorted()).toEqual(['GET', 'POST'])
    await expectKeptByManagement(wrong.wire)
  })

  test('a body above 1 MiB, declared or in chunks', async () => {
    const tooLarge: Refusal = {
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
      message: `The request body is larger than ${mb} bytes.`,
    }
    const declared = await answerTo(
      world,
      request(`POST ${path} HTTP/1.1`, [...authorized, `Content-Length: ${mb + 1}`], ' '),
    )
    expectManaged(declared.answer, tooLarge)
    declared.wire.socket.destroy()
    const wire = dial(world.gateway.url)
    wire.send(request(`POST ${path} HTTP/1.1`, [...authorized, 'Transfer-Encoding: chunked']))
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')])
    for (let sent = 0; sent < 2 * mb; sent += 65_536) wire.send(chunk)
    expectManaged(await wire.answer(), tooLarge)
    wire.socket.destroy()
  })

  test('an early refusal is read by a caller who still sends a megabyte', async () => {
    const wire = dial(world.gateway.url)
    wire.send(request(`POST ${path} HTTP/1.1`, ['Host: localhost', `Content-Length: ${mb}`]))
    expectManaged(await wire.answer(), { status: 401, code: 'UNAUTHORIZED', message: /./ })
    for (let sent = 0; sent < mb; sent += 65_536) wire.send(Buffer.alloc(65_536, 0x20))
    wire.socket.end()
    expect(await wire.closed()).toMatch(/^(?:end|reset)$/)
  })

  test('both lengths', async () => {
    const { wire, answer } = await answerTo(world, managed('POST', '{}', 'Transfer-Encoding: chunked'))
    expectManaged(answer, { status: 400, code: 'VALIDATION_ERROR', message: notHttp.message })
    expect(await wire.closed()).toBe('end')
  })

  test('100 Continue is granted to whom may come in, and to nobody else', async () => {
    const expecting = 'Expect: 100-continue'
    const wire = dial(world.gateway.url)
    wire.send(request(`POST ${path} HTTP/1.1`, [...authorized, 'Content-Length: 2', expecting]))
    expect((await wire.answer()).status).toBe(100)
    wire.send('{}')
    expect((await wire.answer()).status).toBe(400)
    await expectKeptByManagement(wire)
    const refused = await answerTo(
      world,
      request(`POST ${path} HTTP/1.1`, ['Host: localhost', 'Content-Length: 2', expecting]),
    )
    expectManaged(refused.answer, { status: 401, code: 'UNAUTHORIZED', message: /./ })
    const tooLarge = await answerTo(
      world,
      request(`POST ${path} HTTP/1.1`, [...authorized, `Content-Length: ${2 * mb}`, expecting]),
    )
    expect(tooLarge.answer.status).toBe(413)
  })
})
