import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { configurationFor, openFrontier, workspaceKey } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { openOperator, refusal } from './operator.ts'

describe.each(mostDatabases())('the door of the operator on $name', ({ create }) => {
  let place: TestPlace
  let gateway: Gateway

  beforeAll(async () => {
    place = await create()
    gateway = await startGateway({ config: configurationFor('http://127.0.0.1:1'), databaseUrl: place.url })
  })
  afterAll(async () => {
    await gateway.stop()
    await place.remove()
  })

  const ask = (path: string, authorization?: string, method = 'GET') =>
    fetch(`${gateway.url}${path}`, { method, headers: authorization === undefined ? {} : { authorization } })
  const basic = (user: string, key: string) => `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`

  test('opens to an admin key as Bearer, as Api-Key and as the password of admin, and to nothing else', async () => {
    const { adminKey } = gateway
    for (const authorization of [`Bearer ${adminKey}`, `Api-Key ${adminKey}`, basic('admin', adminKey)]) {
      expect((await ask('/api/admin/workspaces', authorization)).status).toBe(200)
    }
    const frontier = openFrontier(gateway)
    const groupId = await frontier.createGroup({ models: { 'aurora/lumen': [] } })
    const federated = await frontier.mintKey(groupId)
    const strangers = [
      `Bearer ${adminKey}x`,
      basic('root', adminKey),
      `Bearer ${workspaceKey}`,
      'Bearer',
      federated,
    ]
    for (const authorization of [...strangers, `Api-Key ${federated}`]) {
      for (const path of ['/api/admin/workspaces', '/api/admin/nothing']) {
        const answer = await ask(path, authorization)
        expect(answer.status).toBe(401)
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
        expect(await answer.json()).toEqual(refusal(401, 'Unauthorized'))
      }
    }
    const closed = await ask('/api/admin/workspaces')
    expect([closed.status, await closed.json()]).toEqual([401, refusal(401, 'Unauthorized')])
  })

  test('says what it has not got in the body of its surface', async () => {
    const { request } = openOperator(gateway)
    expect((await request('GET', '/nothing')).body).toEqual(refusal(404, 'There is nothing at this path.'))
    const wrong = await request('PUT', '/workspaces')
    expect(wrong.body).toMatchObject({ status_code: 405, is_bifrost_error: false })
    expect(wrong.headers.get('allow')).toMatch(/^GET/)
    expect((await request('GET', '/workspaces/nowhere')).body).toEqual(
      refusal(404, 'There is no such workspace.'),
    )
    expect((await ask('/api/elsewhere')).status).toBe(401)
    const elsewhere = await ask('/api/elsewhere', `Bearer ${gateway.adminKey}`)
    expect([elsewhere.status, await elsewhere.json()]).toEqual([404, refusal(404, expect.any(String))])
  })

  test('refuses what it cannot read in the body of its surface, wherever that is noticed', async () => {
    const { request } = openOperator(gateway)
    const noJson = await request('POST', '/workspaces', '{"id": "lab"')
    expect(noJson.body).toEqual(refusal(400, 'The body is not JSON.'))
    expect((await request('POST', '/workspaces', '[]')).body).toEqual(
      refusal(400, '(the body): must be a mapping'),
    )
    expect((await request('POST', '/workspaces')).body).toEqual(refusal(400, '(the body): must be a mapping'))
    const large = await request('POST', '/workspaces', { id: 'lab', name: 'x'.repeat(2 ** 20) })
    expect(large.body).toEqual(refusal(413, 'The request body is larger than 1048576 bytes.'))
    // The listener refuses this one before it asks any route.
    const headers = { authorization: `Bearer ${gateway.adminKey}`, 'x-long': 'x'.repeat(40_000) }
    const tooLong = await fetch(`${gateway.url}/api/admin/workspaces`, { headers })
    expect([tooLong.status, await tooLong.json()]).toEqual([
      431,
      refusal(431, 'The request headers are too large.'),
    ])
  })

  test('lists page as all lists do', async () => {
    const { expectOk, request } = openOperator(gateway)
    const first = await expectOk('GET', '/workspaces?limit=1')
    expect(first).toMatchObject({ items: [{ id: 'default' }], pagination: { has_more: true } })
    const cursor = encodeURIComponent(first.pagination.cursor)
    expect(await expectOk('GET', `/workspaces?limit=1&cursor=${cursor}`)).toMatchObject({
      items: [{ id: 'aurora', slug_prefixes: ['aurora'], in_file: true }],
      pagination: { has_more: false, cursor: null },
    })
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'cursor=made-up']) {
      const refused = await request('GET', `/workspaces?${query}`)
      expect([query, refused.status, refused.body.status_code]).toEqual([query, 400, 400])
    }
  })

  test('its API is described, and the page shows both documents', async () => {
    const admin = (await (await ask('/openapi/admin.json')).json()) as { paths: object }
    expect(Object.keys(admin.paths)).toContain('/api/admin/workspaces/{workspace_id}')
    const start = await (await ask('/docs/start.js')).text()
    expect(start).toContain('/openapi.json')
    expect(start).toContain('/openapi/admin.json')
  })
})
