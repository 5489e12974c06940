import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes } from '../../src/api/routes.ts'
import { mostDatabases } from '../setup/databases.ts'
import { keys, openWorld, type World } from './management-world.ts'

const groups = '/v1/gateway/groups'
const newGroup = (external_entity_id: string) => ({
  metadata: { external_entity_id },
  models: [{ slug: 'aurora/lumen-2' }],
  hierarchy: {},
})

describe.each(mostDatabases())('edges of management on $name', ({ open }) => {
  let world: World
  let call: World['call']
  beforeAll(async () => {
    world = await openWorld(await open())
    call = world.call
  })
  afterAll(async () => {
    expect(world.bugs).toEqual([])
    await world.close()
  })

  test('an admin key acts in the workspace that its header names, by all three schemes', async () => {
    const { id, value: key } = await world.tenancy.createAdminKey('test', 'ops')
    const basic = Buffer.from(`admin:${key}`).toString('base64')
    for (const [scheme, credential] of [
      ['Api-Key', key],
      ['bearer', key],
      ['Basic', basic],
    ] as const) {
      const inDefault = await call('GET', groups, { key: credential, scheme })
      expect([inDefault.status, inDefault.body.items]).toEqual([200, []])
    }
    const headers = { 'x-tollgate-workspace': 'w' }
    expect((await call('POST', groups, { key, headers, body: newGroup('by-admin') })).status).toBe(200)
    expect((await call('GET', groups)).body.items).toHaveLength(1)
    for (const workspace of ['n', 'nowhere']) {
      const foreign = await call('GET', groups, { key, headers: { 'x-tollgate-workspace': workspace } })
      expect(foreign.status).toBe(403)
    }
    const stranger = Buffer.from(`root:${key}`).toString('base64')
    const workspaceKey = Buffer.from(`admin:${keys.w}`).toString('base64')
    for (const credential of [stranger, workspaceKey, 'no-base64']) {
      expect((await call('GET', groups, { key: credential, scheme: 'Basic' })).status).toBe(401)
    }
    await world.tenancy.createAdminKey('test', 'another')
    expect(await world.tenancy.revokeAdminKey('test', id)).toMatchObject({ id })
    expect((await call('GET', groups, { key })).status).toBe(401)
  })

  test("a workspace key's header names no other workspace", async () => {
    const headers = { 'x-tollgate-workspace': 'x' }
    await call('POST', groups, { body: newGroup('own'), headers })
    expect((await call('GET', groups, { key: keys.x })).body.items).toEqual([])
  })

  test('what the path names is judged before query and body', async () => {
    const foreign = (await call('POST', groups, { key: keys.x, body: newGroup('foreign') })).body
    for (const [id, status] of [
      [foreign.id, 403],
      ['g_unknown', 404],
    ] as const) {
      expect((await call('PATCH', `${groups}/${id}`, { body: '{' })).status).toBe(status)
      expect((await call('POST', `${groups}/${id}/api_keys`, { body: '{' })).status).toBe(status)
      expect((await call('GET', `${groups}/${id}/api_keys?limit=0`)).status).toBe(status)
      expect((await call('DELETE', `${groups}/${id}/api_keys/sky_x`)).status).toBe(status)
    }
    expect((await call('PATCH', '/v1/gateway/endpoints/ep_unknown', { body: '{' })).status).toBe(404)
  })

  test('a wrong method is 405 and names the right ones; an unknown path is 404', async () => {
    const put = await call('PUT', groups, { body: {} })
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST'])
    expect(put.body).toEqual({ code: 'METHOD_NOT_ALLOWED', message: expect.any(String) })
    const post = await call('POST', `${groups}/g_1`)
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, PATCH, DELETE'])
    for (const path of ['/v1/gateway', '/v1/gateway/other', `${groups}/`, '/elsewhere', `${groups}/a%00b`]) {
      const answer = await call('GET', path)
      expect([answer.status, answer.body.code], path).toEqual([404, 'NOT_FOUND'])
    }
    expect((await call('GET', '/v1/gateway/other', { key: null })).status).toBe(401)
  })

  test('a body over 1 MiB is 413, whether or not its length was declared', async () => {
    const body = JSON.stringify(newGroup('x'.repeat(2 ** 20)))
    const declared = await call('POST', groups, { body })
    expect([declared.status, declared.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    const chunked = await fetch(`${world.url}${groups}`, {
      method: 'POST',
      headers: { authorization: `Api-Key ${keys.w}` },
      body: new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(chunked.status).toBe(413)
    await chunked.text()
    const fits = newGroup('padded')
    const padded = JSON.stringify({ ...fits, padding: 'x'.repeat(2 ** 20 - 200) })
    expect((await call('POST', groups, { body: padded })).status).toBe(200)
  })

  test('members that are not ours are ignored, whatever they are called', async () => {
    const odd = { failure: 'internal', constructor: 1, toString: null, pagination: {} }
    const body = JSON.stringify({ ...newGroup('odd'), ...odd }).replace('{', '{"__proto__":{"name":1},')
    expect((await call('POST', groups, { body })).status).toBe(200)
    const { status, body: refusal } = await call('POST', groups, { body: { failure: 'internal', id: 'x' } })
    expect([status, refusal.code]).toEqual([400, 'VALIDATION_ERROR'])
  })

  test('strict stands where it was set, and nowhere else', async () => {
    const limit = { type: 'TOKEN', unit: 'DAY', threshold: 5 }
    const request = { type: 'REQUEST', unit: 'MINUTE', threshold: 5 }
    const models = [
      {
        slug: 'aurora/lumen-2',
        rate_limits: [{ ...request, strict: false }],
        usage_limits: [{ ...limit, strict: true }],
      },
    ]
    const { body } = await call('POST', groups, { body: { ...newGroup('strict'), models } })
    expect(JSON.stringify(body.models[0])).toBe(
      JSON.stringify({
        slug: 'aurora/lumen-2',
        rate_limits: [request],
        usage_limits: [{ ...limit, strict: true }],
      }),
    )
    expect(body.effective_models[0].usage_limits).toEqual([{ ...limit, source_group: body.id, strict: true }])
  })

  test('a successful write leaves one audit row, a refused one none', async () => {
    const rows = () => world.database.read.selectFrom('audit_log').selectAll().orderBy('id').execute()
    const before = (await rows()).length
    const group = (await call('POST', groups, { body: newGroup('audited') })).body
    await call('POST', groups, { body: newGroup('audited') })
    await call('PATCH', `${groups}/${group.id}`, { body: { metadata: { name: 'n' } } })
    const key = (await call('POST', `${groups}/${group.id}/api_keys`)).body
    await call('DELETE', `${groups}/${group.id}/api_keys/${key.prefix}`)
    await call('DELETE', `${groups}/${group.id}`)
    const written = (await rows()).slice(before)
    expect(written.map(({ action, target }) => [action, target])).toEqual([
      ['GATEWAY_GROUP_CREATED', group.id],
      ['GATEWAY_GROUP_UPDATED', group.id],
      ['GATEWAY_API_KEY_CREATED', key.prefix],
      ['GATEWAY_API_KEY_REVOKED', key.prefix],
      ['GATEWAY_GROUP_DELETED', group.id],
    ])
    for (const row of written) {
      expect(row).toMatchObject({ workspace_id: 'w', actor: expect.stringMatching(/^workspace_key:wk_/) })
    }
  })

  test('the document names every route and is served with its page, from here alone', async () => {
    const { body } = await call('GET', '/openapi.json', { key: null })
    expect(body.openapi).toBe('3.1.0')
    expect(Object.keys(body.paths)).toHaveLength(new Set(routes.map(({ path }) => path)).size)
    const page = await call('GET', '/docs', { key: null })
    expect(page.status).toBe(200)
    expect(page.text).not.toMatch(/https?:/)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    for (const script of ['/docs/scalar.js', '/docs/start.js']) {
      const answer = await call('GET', script, { key: null })
      expect(answer.headers.get('content-type')).toMatch('javascript')
      expect(answer.text).toContain('Scalar')
    }
  })
})
