import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isFailure } from '../../src/domain/failure.ts'
import { openPlanCache } from '../../src/tenancy/groups/plan-cache.ts'
import { resolveTarget } from '../../src/tenancy/groups/resolve-target.ts'
import { mostDatabases } from '../setup/databases.ts'
import { type Answer, keys, openWorld, type World } from './management-world.ts'

const groups = '/v1/gateway/groups'
const endpoints = '/v1/gateway/endpoints'
const exceeds = 'Child group exceeds parent group limit.'
const baseten = { provider: 'BASETEN', model_id: 'q7w3zkd' }
const openai = { provider: 'OPENAI', target_model: 'gpt-4o', secret_id: 'sec_openai' }
const root = { limit_enforcement: 'INDEPENDENT' }

const perMinute = (threshold: number) => ({ type: 'TOKEN', unit: 'MINUTE', threshold })
const perDay = (threshold: number) => ({ type: 'REQUEST', unit: 'DAY', threshold })

describe.each(mostDatabases())('management on $name', ({ open }) => {
  let world: World
  let call: World['call']
  let made = 0

  beforeAll(async () => {
    world = await openWorld(await open())
    call = world.call
  })
  afterAll(async () => {
    expect(world.bugs).toEqual([])
    await world.close()
  })

  const unique = (name: string) => `${name}-${++made}`
  const newGroup = (over: object = {}) => ({
    metadata: { external_entity_id: unique('customer') },
    models: [{ slug: 'aurora/lumen-2' }],
    hierarchy: root,
    ...over,
  })
  const withLimits = (rate_limits: object[], usage_limits: object[] = []) => ({
    models: [{ slug: 'aurora/lumen-2', rate_limits, usage_limits }],
  })
  const make = async (over: object = {}, key: string = keys.w): Promise<Answer['body']> => {
    const answer = await call('POST', groups, { key, body: newGroup(over) })
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }
  const below = (parent: string, over: object = {}) => ({ hierarchy: { parent_group_id: parent }, ...over })
  const mint = async (group: string, body: object = {}) =>
    (await call('POST', `${groups}/${group}/api_keys`, { body })).body
  const newEndpoint = (over: object = {}) => ({
    slug: unique('aurora/model'),
    targets: [baseten],
    ...over,
  })
  const makeEndpoint = async (over: object = {}) =>
    (await call('POST', endpoints, { body: newEndpoint(over) })).body
  const isRevoked = (value: string) =>
    world.tenancy.snapshot().findKey(world.tenancy.digestOf(value))?.revoked ?? null
  const refusesBody = (answer: Answer) => {
    expect(answer.status, answer.text).toBe(400)
    expect(answer.body.code).toBe('VALIDATION_ERROR')
    expect(answer.body.message).toEqual(expect.any(String))
  }

  test('1 A managing key lists groups under Api-Key and under Bearer, with the same answer', async () => {
    await make()
    const asApiKey = await call('GET', groups)
    const asBearer = await call('GET', groups, { scheme: 'Bearer' })
    expect(asApiKey.status).toBe(200)
    expect(asBearer.status).toBe(200)
    expect(asBearer.text).toBe(asApiKey.text)
  })

  test('2 A workspace that is not onboarded gets 403 on every management path', async () => {
    for (const path of [groups, `${groups}/g_1`, endpoints, `${groups}/g_1/api_keys`, '/v1/gateway/events']) {
      for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
        const answer = await call(method, path, { key: keys.n })
        expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN'])
      }
    }
  })

  test('3 A key for inference or for metrics may not create a group: 403', async () => {
    for (const key of [keys.wInvoke, keys.wMetrics]) {
      const answer = await call('POST', groups, { key, body: newGroup() })
      expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN'])
    }
  })

  test('4 Without a credential a listing is 401, with a code and a message', async () => {
    for (const options of [{ key: null }, { key: 'nobody' }, { scheme: 'Token' }, { scheme: 'Basic' }]) {
      const answer = await call('GET', groups, options)
      expect(answer.status).toBe(401)
      expect(answer.body).toEqual({ code: 'UNAUTHORIZED', message: expect.any(String) })
    }
  })

  test("5 Another workspace's group is 403 to read, change and delete; an id that never was is 404", async () => {
    const foreign = await make({}, keys.x)
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      expect((await call(method, `${groups}/${foreign.id}`)).status).toBe(403)
      const unknown = await call(method, `${groups}/g_01`)
      expect([unknown.status, unknown.body.code]).toEqual([404, 'NOT_FOUND'])
    }
    expect((await call('GET', `${groups}/${foreign.id}`, { key: keys.x })).body).toEqual(foreign)
    await call('DELETE', `${groups}/${foreign.id}`, { key: keys.x })
    expect((await call('GET', `${groups}/${foreign.id}`)).status).toBe(404)
  })

  test('6 Every invalid body is 400 with the code VALIDATION_ERROR and a message in words', async () => {
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"text"',
      '{"metadata": {"external_entity_id": "\xff"}',
      new Uint8Array([0x7b, 0xff, 0x7d]),
      {},
      newGroup({ metadata: null }),
      newGroup({ metadata: { external_entity_id: 7 } }),
      newGroup({ metadata: { external_entity_id: 'a\0b' } }),
      newGroup({ metadata: { external_entity_id: 'half \ud800 pair' } }),
      newGroup({ metadata: { external_entity_id: unique('c'), name: 'n'.repeat(256) } }),
      newGroup({ models: [{ slug: '' }] }),
      newGroup({ models: [{ slug: 'aurora/lumen-2' }, { slug: 'aurora/lumen-2' }] }),
      newGroup({ models: 'aurora/lumen-2' }),
      newGroup({ hierarchy: { limit_enforcement: 'SHARED' } }),
    ]
    for (const body of bodies) refusesBody(await call('POST', groups, { body }))
  })

  test('7 A key that calls models is refused by the management API', async () => {
    const { api_key } = await mint((await make()).id)
    for (const path of ['/v1/gateway/events', groups]) {
      for (const scheme of ['Api-Key', 'Bearer']) {
        expect((await call('GET', path, { key: api_key, scheme })).status).toBe(401)
      }
    }
  })

  test('8 A new endpoint answers with all six members, both times equal, unrestricted by default', async () => {
    const body = newEndpoint()
    const answer = await call('POST', endpoints, { body })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      id: expect.any(String),
      slug: body.slug,
      region: 'UNRESTRICTED',
      targets: [baseten],
      created_at: '2026-11-02T08:15:00Z',
      updated_at: '2026-11-02T08:15:00Z',
    })
    expect((await call('GET', `${endpoints}/${answer.body.id}`)).body).toEqual(answer.body)
    expect((await makeEndpoint({ region: 'EU' })).region).toBe('EU')
  })

  test('9 A slug under a prefix that another workspace owns, or nobody, is 400', async () => {
    for (const slug of ['borealis/m', 'nobody/m', 'Aurora/m', 'auror/m', 'aurora']) {
      refusesBody(await call('POST', endpoints, { body: newEndpoint({ slug }) }))
    }
  })

  test('10 A slug in use anywhere is 400 for everybody', async () => {
    const { slug } = await makeEndpoint()
    refusesBody(await call('POST', endpoints, { body: newEndpoint({ slug }) }))
    const targets = [{ provider: 'BASETEN', model_id: 'x1' }]
    refusesBody(await call('POST', endpoints, { key: keys.x, body: { slug, targets } }))
  })

  test('11 Targets are exactly one: none or two are 400, on creation and on change', async () => {
    const endpoint = await makeEndpoint()
    for (const targets of [[], [baseten, baseten]]) {
      refusesBody(await call('POST', endpoints, { body: newEndpoint({ targets }) }))
      refusesBody(await call('PATCH', `${endpoints}/${endpoint.id}`, { body: { targets } }))
    }
    expect((await call('GET', `${endpoints}/${endpoint.id}`)).body).toEqual(endpoint)
  })

  test('12 Production as an environment is taken and never shown', async () => {
    const { targets } = await makeEndpoint({ targets: [{ ...baseten, environment_name: 'production' }] })
    expect(targets).toEqual([baseten])
    const canary = { ...baseten, environment_name: 'canary', target_model: 'lumen-2-rc' }
    expect((await makeEndpoint({ targets: [canary] })).targets).toEqual([canary])
    for (const unknown of [
      { ...baseten, environment_name: 'staging' },
      { ...baseten, model_id: 'x1' },
    ]) {
      refusesBody(await call('POST', endpoints, { body: newEndpoint({ targets: [unknown] }) }))
    }
  })

  test('13 An OpenAI target needs a secret and a model, and takes no model id', async () => {
    const { secret_id: _, ...withoutSecret } = openai
    const { target_model: __, ...withoutModel } = openai
    const broken = [
      withoutSecret,
      withoutModel,
      { ...openai, model_id: 'q7w3zkd' },
      { ...openai, secret_id: 'sec_unknown' },
      { ...openai, base_url: 'https://api.example' },
      { ...openai, provider: 'ACME' },
    ]
    for (const target of broken) {
      refusesBody(await call('POST', endpoints, { body: newEndpoint({ targets: [target] }) }))
    }
    const padded = { ...openai, model_id: null, base_url: null, vertex_config: null, unknown: 1 }
    expect((await makeEndpoint({ targets: [padded] })).targets).toEqual([openai])
    for (const target of [
      { ...openai, provider: 'ANTHROPIC' },
      { ...openai, provider: 'XAI' },
      { ...openai, provider: 'VERTEX', vertex_config: { project_id: 'p', location: 'eu' } },
      { provider: 'BASETEN_MODEL_API', target_model: 'lumen-2' },
    ]) {
      expect((await makeEndpoint({ targets: [target] })).targets).toEqual([target])
    }
  })

  test("14 A compatible target's address must be https and must not name a port", async () => {
    const compatible = { ...openai, provider: 'OPENAI_COMPATIBLE' }
    const broken = [
      undefined,
      'http://llm.example/v1',
      'https://llm.example:8443/v1',
      'https://llm.example:443/v1',
      'https://llm.example:/v1',
      'https://user@llm.example/v1',
      'https://llm.example/v1?key=1',
      'https://llm.example\\@evil.example/v1',
      'https://',
      ' https://llm.example/v1',
      'ftp://llm.example',
    ]
    for (const base_url of broken) {
      const targets = [{ ...compatible, base_url }]
      refusesBody(await call('POST', endpoints, { body: newEndpoint({ targets }) }))
    }
    for (const base_url of ['https://llm.example/v1', 'https://llm.example', 'https://[2001:db8::1]/v1']) {
      const targets = [{ ...compatible, base_url }]
      expect((await makeEndpoint({ targets })).targets).toEqual(targets)
    }
  })

  test('15 New targets keep id and slug, move updated_at, and move the traffic', async () => {
    const endpoint = await makeEndpoint()
    const { slug } = endpoint
    const upstream = () => {
      const snapshot = world.tenancy.snapshot()
      const found = snapshot.endpointBySlug(slug)
      const target = found && resolveTarget(snapshot, found)
      return target === null || isFailure(target) ? target : [target.baseUrl, target.upstreamModel]
    }
    expect(upstream()).toEqual(['http://127.0.0.1:9999/v1', 'lumen-2'])

    const targets = [{ ...baseten, environment_name: 'canary', target_model: 'lumen-2-rc' }]
    const { body } = await call('PATCH', `${endpoints}/${endpoint.id}`, { body: { targets } })
    expect(body).toEqual({ ...endpoint, targets, updated_at: '2026-11-02T08:15:00.001Z' })
    expect(upstream()).toEqual(['http://127.0.0.1:9998/v1', 'lumen-2-rc'])
  })

  test('16 A slug can be changed to a free one of one’s own; to a taken or foreign one it stays as it was', async () => {
    const endpoint = await makeEndpoint()
    const other = await makeEndpoint()
    const path = `${endpoints}/${endpoint.id}`
    for (const slug of [other.slug, 'borealis/m', 'nobody/m', 'aurora/a/b']) {
      refusesBody(await call('PATCH', path, { body: { slug } }))
    }
    expect((await call('GET', path)).body).toEqual(endpoint)

    const slug = unique('zephyr/renamed')
    const renamed = await call('PATCH', path, { body: { slug } })
    expect(renamed.body).toMatchObject({ id: endpoint.id, slug, targets: endpoint.targets })
    const snapshot = world.tenancy.snapshot()
    expect(snapshot.endpointBySlug(endpoint.slug)).toBeNull()
    expect(snapshot.endpointBySlug(slug)?.id).toBe(endpoint.id)
    for (const body of [{}, { slug: null }, { region: 'EU' }]) {
      refusesBody(await call('PATCH', path, { body }))
    }
  })

  test('17 A deleted endpoint answers with id and slug, is gone the second time, and frees its slug', async () => {
    const { id, slug } = await makeEndpoint()
    expect((await call('DELETE', `${endpoints}/${id}`, { key: keys.x })).status).toBe(403)
    const deleted = await call('DELETE', `${endpoints}/${id}`)
    expect([deleted.status, deleted.body]).toEqual([200, { id, slug }])
    expect(world.tenancy.snapshot().endpointBySlug(slug)).toBeNull()
    for (const method of ['DELETE', 'GET', 'PATCH']) {
      expect((await call(method, `${endpoints}/${id}`)).status).toBe(404)
    }
    expect((await makeEndpoint({ slug })).id).not.toBe(id)
  })

  test('18 The smallest group has all limit arrays, and limits that are its own', async () => {
    const body = newGroup({
      models: [{ slug: 'aurora/lumen-2', usage_limits: [perDay(5)] }],
      hierarchy: {},
    })
    const group = await call('POST', groups, { body })
    expect([group.status, group.body]).toEqual([
      200,
      {
        id: expect.any(String),
        metadata: { name: null, external_entity_id: body.metadata.external_entity_id },
        models: [{ slug: 'aurora/lumen-2', rate_limits: [], usage_limits: [perDay(5)] }],
        effective_models: [
          {
            slug: 'aurora/lumen-2',
            rate_limits: [],
            usage_limits: [{ ...perDay(5), source_group: group.body.id }],
          },
        ],
        hierarchy: { limit_enforcement: 'INDEPENDENT', parent_group_id: null },
        created_at: '2026-11-02T08:15:00Z',
      },
    ])
    expect((await call('GET', `${groups}/${group.body.id}`)).text).toBe(group.text)
  })

  test('19 No models, no hierarchy, no external id, or one of 256 characters: 400', async () => {
    for (const body of [
      newGroup({ models: [] }),
      newGroup({ models: undefined }),
      newGroup({ hierarchy: undefined }),
      newGroup({ hierarchy: null }),
      newGroup({ metadata: {} }),
      newGroup({ metadata: { external_entity_id: '' } }),
      newGroup({ metadata: { external_entity_id: 'x'.repeat(256) } }),
      newGroup({ metadata: { external_entity_id: '🜂'.repeat(256) } }),
    ]) {
      refusesBody(await call('POST', groups, { body }))
    }
    await make({ metadata: { external_entity_id: '🜂'.repeat(255) } })
  })

  test('20 On one slug a token limit per second and one per minute are 400; a token and a request limit are fine', async () => {
    const perSecond = { type: 'TOKEN', unit: 'SECOND', threshold: 5 }
    refusesBody(await call('POST', groups, { body: newGroup(withLimits([perSecond, perMinute(5)])) }))
    const both = [perMinute(5), { type: 'REQUEST', unit: 'SECOND', threshold: 5 }]
    expect((await make(withLimits(both))).models[0].rate_limits).toEqual(both)
  })

  test('21 Two daily token limits, an unknown unit, or a threshold that is no whole number from 0 up: 400', async () => {
    const daily = { type: 'TOKEN', unit: 'DAY', threshold: 5 }
    const broken = [
      withLimits([], [daily, daily]),
      withLimits([], [{ ...daily, unit: 'HOUR' }]),
      withLimits([daily]),
      withLimits([], [perMinute(5)]),
      ...[-1, 1.5, '10', null, 2 ** 53, true].map((threshold) => withLimits([], [{ ...daily, threshold }])),
    ]
    for (const over of broken) refusesBody(await call('POST', groups, { body: newGroup(over) }))
    for (const threshold of [0, 2 ** 53 - 1]) {
      const { models } = await make(withLimits([], [{ ...daily, threshold }]))
      expect(models[0].usage_limits[0].threshold).toBe(threshold)
    }
    const text = JSON.stringify(newGroup(withLimits([], [daily]))).replace('"threshold":5', '"threshold":7.0')
    expect((await call('POST', groups, { body: text })).body.models[0].usage_limits[0].threshold).toBe(7)
  })

  test('22 An external id is unique in its workspace and free in any other', async () => {
    const { metadata } = await make()
    refusesBody(await call('POST', groups, { body: newGroup({ metadata }) }))
    await make({ metadata }, keys.x)
  })

  test("23 A parent that is unknown or another workspace's is 404", async () => {
    const foreign = await make({}, keys.x)
    const deleted = await make()
    await call('DELETE', `${groups}/${deleted.id}`)
    for (const parent of ['g_01', foreign.id, deleted.id]) {
      const answer = await call('POST', groups, { body: newGroup(below(parent)) })
      expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND'])
    }
  })

  test("24 A child of another mode than its parent is 400; without a mode it takes its parent's", async () => {
    const parent = await make({ hierarchy: { limit_enforcement: 'CASCADING' } })
    const mismatch = { hierarchy: { parent_group_id: parent.id, limit_enforcement: 'INDEPENDENT' } }
    refusesBody(await call('POST', groups, { body: newGroup(mismatch) }))
    for (const limit_enforcement of [undefined, null, 'CASCADING']) {
      const child = await make({ hierarchy: { parent_group_id: parent.id, limit_enforcement } })
      expect(child.hierarchy).toEqual({ limit_enforcement: 'CASCADING', parent_group_id: parent.id })
    }
  })

  test('25 A sixth level is 400', async () => {
    let deepest = await make()
    for (let level = 2; level <= 5; level++) deepest = await make(below(deepest.id))
    refusesBody(await call('POST', groups, { body: newGroup(below(deepest.id)) }))
  })

  test('26 Three groups in pages of two: two, then one, none twice', async () => {
    const workspace = { 'x-tollgate-workspace': 'default' }
    const { value: key } = await world.tenancy.createAdminKey('test', 'pages')
    for (const name of ['a', 'b', 'c']) {
      const body = newGroup({ metadata: { external_entity_id: name } })
      expect((await call('POST', groups, { key, body })).status).toBe(200)
    }
    const names = ({ body }: Answer) =>
      body.items.map((group: Answer['body']) => group.metadata.external_entity_id)
    const first = await call('GET', `${groups}?limit=2`, { key, headers: workspace })
    expect(names(first)).toEqual(['a', 'b'])
    expect(first.body.pagination).toEqual({ has_more: true, cursor: expect.any(String) })
    const cursor = encodeURIComponent(first.body.pagination.cursor)
    const second = await call('GET', `${groups}?limit=2&cursor=${cursor}`, { key })
    expect(names(second)).toEqual(['c'])
    expect(second.body.pagination).toEqual({ has_more: false, cursor: null })
  })

  test('27 The filter on the external id finds exactly one group, or an empty page', async () => {
    const group = await make({ metadata: { external_entity_id: unique('a b&c=ü') } })
    const query = (id: string) => `${groups}?external_entity_id=${encodeURIComponent(id)}`
    const found = await call('GET', query(group.metadata.external_entity_id))
    expect(found.body).toEqual({ items: [group], pagination: { has_more: false, cursor: null } })
    for (const unknown of [unique('nobody'), '']) {
      const none = await call('GET', query(unknown))
      expect([none.status, none.body]).toEqual([
        200,
        { items: [], pagination: { has_more: false, cursor: null } },
      ])
    }
  })

  test('28 A page of 0 or of 1001 is 400', async () => {
    const { id } = await make()
    for (const path of [groups, endpoints, `${groups}/${id}/api_keys`]) {
      for (const limit of ['0', '1001', '', '-1', '1.5', 'ten', '1e2', '99999999999999999999']) {
        refusesBody(await call('GET', `${path}?limit=${limit}`))
      }
      refusesBody(await call('GET', `${path}?cursor=nonsense`))
      expect((await call('GET', `${path}?limit=1000`)).status).toBe(200)
    }
    await make()
    const { cursor } = (await call('GET', `${groups}?limit=1`)).body.pagination
    refusesBody(await call('GET', `${groups}?limit=1&cursor=${cursor}&external_entity_id=x`))
    refusesBody(await call('GET', `${groups}?limit=1&cursor=${cursor}`, { key: keys.x }))
    refusesBody(await call('GET', `${endpoints}?limit=1&cursor=${cursor}`))
    refusesBody(await call('GET', `${groups}?limit=1&cursor=${cursor.slice(0, -2)}`))
  })

  test('29 A change that changes nothing is 400', async () => {
    const { id } = await make()
    for (const body of [{}, { metadata: {} }, { metadata: null }, { models: null }, { other: 1 }, '']) {
      refusesBody(await call('PATCH', `${groups}/${id}`, { body }))
    }
  })

  test('30 New models replace the old: what is not listed any more is refused at once', async () => {
    const [a, b, c] = ['aurora/a', 'aurora/b', 'aurora/c']
    const group = await make({ models: [{ slug: a }, { slug: b, rate_limits: [perMinute(5)] }] })
    const { api_key } = await mint(group.id)
    const plans = openPlanCache(100)
    const mayCall = (slug: string) => {
      const snapshot = world.tenancy.snapshot()
      const key = snapshot.findKey(world.tenancy.digestOf(api_key))
      const node = key?.nodeId ? snapshot.node(key.nodeId) : null
      return node !== null && plans.find(snapshot, node, slug) !== null
    }
    expect([a, b, c].map(mayCall)).toEqual([true, true, false])
    const models = [{ slug: b }, { slug: c }]
    const { body } = await call('PATCH', `${groups}/${group.id}`, { body: { models } })
    expect(body.models).toEqual(models.map((model) => ({ ...model, rate_limits: [], usage_limits: [] })))
    expect([a, b, c].map(mayCall)).toEqual([false, true, true])
    const cleared = await call('PATCH', `${groups}/${group.id}`, { body: { models: [] } })
    expect([cleared.status, cleared.body.models, cleared.body.effective_models]).toEqual([200, [], []])
    expect([a, b, c].map(mayCall)).toEqual([false, false, false])
  })

  test('31 A model listed without usage limits has none any more', async () => {
    const group = await make(withLimits([perMinute(5)], [perDay(9)]))
    const models = [{ slug: 'aurora/lumen-2', rate_limits: [perMinute(6)] }]
    const { body } = await call('PATCH', `${groups}/${group.id}`, { body: { models } })
    expect(body.models).toEqual([{ ...models[0], usage_limits: [] }])
  })

  test('32 A change of the name leaves the models alone', async () => {
    const group = await make(withLimits([perMinute(5)], [perDay(9)]))
    for (const name of ['Northwind / research', null]) {
      const { body } = await call('PATCH', `${groups}/${group.id}`, {
        body: { metadata: { name }, models: null },
      })
      expect(body).toEqual({ ...group, metadata: { ...group.metadata, name } })
    }
  })

  test('33 A change that names the hierarchy is 400 and changes nothing', async () => {
    const group = await make()
    const name = 'not applied'
    for (const body of [
      { metadata: { name }, hierarchy: group.hierarchy },
      { metadata: { name }, hierarchy: null },
      { metadata: { name, external_entity_id: group.metadata.external_entity_id } },
      { models: [{ slug: 'aurora/x' }, { slug: 'aurora/x' }], metadata: { name } },
    ]) {
      refusesBody(await call('PATCH', `${groups}/${group.id}`, { body }))
    }
    expect((await call('GET', `${groups}/${group.id}`)).body).toEqual(group)
  })

  test('34 Deleting a root deletes every group below it and revokes every key of the tree', async () => {
    const top = await make(withLimits([perMinute(100)]))
    const middle = await make(below(top.id))
    const lowest = await make(below(middle.id))
    const bystander = await make()
    const tree = [top, middle, lowest]
    const values = await Promise.all([...tree, bystander].map(async ({ id }) => (await mint(id)).api_key))

    const deleted = await call('DELETE', `${groups}/${top.id}`)
    expect([deleted.status, deleted.body]).toEqual([
      200,
      { id: top.id, metadata: top.metadata, deleted_at: '2026-11-02T08:15:00Z' },
    ])
    for (const { id } of tree) {
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        expect((await call(method, `${groups}/${id}`)).status).toBe(404)
      }
      expect((await call('POST', `${groups}/${id}/api_keys`)).status).toBe(404)
    }
    expect(values.map(isRevoked)).toEqual([true, true, true, false])
    const counter = 'aurora/lumen-2:token:minute'
    expect(world.countersGone).toEqual(expect.arrayContaining(tree.map(({ id }) => `${id}:${counter}`)))
    for (const { metadata } of tree) await make({ metadata })
  })

  test('35 An external id of a deleted group makes a new group, with another id and no keys', async () => {
    const old = await make()
    await mint(old.id)
    await call('DELETE', `${groups}/${old.id}`)
    const next = await make({ metadata: old.metadata })
    expect(next.id).not.toBe(old.id)
    expect((await call('GET', `${groups}/${next.id}/api_keys`)).body.items).toEqual([])
  })

  test("36 A child that declares nothing has its parent's limit, by the parent's name, and follows its changes", async () => {
    const parent = await make(withLimits([perMinute(500)]))
    const child = await make(below(parent.id))
    const effective = (group: Answer['body']) => group.effective_models[0].rate_limits
    expect(effective(child)).toEqual([{ ...perMinute(500), source_group: parent.id }])
    expect(child.models[0].rate_limits).toEqual([])
    await call('PATCH', `${groups}/${parent.id}`, { body: withLimits([perMinute(800)]) })
    const later = await call('GET', `${groups}/${child.id}`)
    expect(effective(later.body)).toEqual([{ ...perMinute(800), source_group: parent.id }])
  })

  test("37 A child's own limit takes the place of its parent's, for that type and unit alone", async () => {
    const perSecond = { type: 'REQUEST', unit: 'SECOND', threshold: 25 }
    const parent = await make(withLimits([perMinute(500), perSecond], [perDay(9)]))
    const child = await make(below(parent.id, withLimits([perMinute(900)])))
    expect(child.effective_models).toEqual([
      {
        slug: 'aurora/lumen-2',
        rate_limits: [
          { ...perMinute(900), source_group: child.id },
          { ...perSecond, source_group: parent.id },
        ],
        usage_limits: [{ ...perDay(9), source_group: parent.id }],
      },
    ])
  })

  test("38 In a cascading tree a child's limit above its parent's is 400, in exactly the published words; an equal one is fine", async () => {
    const hierarchy = { limit_enforcement: 'CASCADING' }
    const top = await make({ hierarchy, ...withLimits([perMinute(100)]) })
    const silent = await make(below(top.id))
    for (const parent of [top.id, silent.id]) {
      const above = await call('POST', groups, {
        body: newGroup(below(parent, withLimits([perMinute(101)]))),
      })
      expect([above.status, above.body]).toEqual([400, { code: 'VALIDATION_ERROR', message: exceeds }])
      await make(below(parent, withLimits([perMinute(100)], [perDay(1e9)])))
    }
  })

  test('39 Siblings may together be promised more than their parent has; each is shown both limits', async () => {
    const parent = await make({
      hierarchy: { limit_enforcement: 'CASCADING' },
      ...withLimits([perMinute(100)]),
    })
    for (const _ of [1, 2]) {
      const child = await make(below(parent.id, withLimits([perMinute(70)])))
      expect(child.effective_models[0].rate_limits).toEqual([
        { ...perMinute(70), source_group: child.id },
        { ...perMinute(100), source_group: parent.id },
      ])
    }
  })

  test('40 A parent cannot be lowered below what a child was promised', async () => {
    const hierarchy = { limit_enforcement: 'CASCADING' }
    const top = await make({ hierarchy, models: [{ slug: 'aurora/other' }] })
    const parent = await make(below(top.id, withLimits([perMinute(100)])))
    const child = await make(below(parent.id, withLimits([perMinute(70)])))
    for (const id of [parent.id, top.id]) {
      const lowered = await call('PATCH', `${groups}/${id}`, { body: withLimits([perMinute(60)]) })
      expect([lowered.status, lowered.body]).toEqual([400, { code: 'VALIDATION_ERROR', message: exceeds }])
    }
    expect((await call('GET', `${groups}/${parent.id}`)).body).toEqual(parent)
    const raised = await call('PATCH', `${groups}/${child.id}`, { body: withLimits([perMinute(101)]) })
    expect(raised.body.message).toBe(exceeds)
    const exact = await call('PATCH', `${groups}/${parent.id}`, { body: withLimits([perMinute(70)]) })
    expect(exact.status).toBe(200)
  })

  test('41 A minted key is prefix, dot, secret; its name is what was asked for, or null', async () => {
    const path = `${groups}/${(await make()).id}/api_keys`
    const named = await call('POST', path, { body: { name: 'ci' } })
    expect([named.status, named.body]).toEqual([
      200,
      { api_key: expect.any(String), prefix: expect.stringMatching(/^sky_[0-9A-Za-z]{12}$/), name: 'ci' },
    ])
    expect(named.body.api_key).toMatch(new RegExp(`^${named.body.prefix}\\.[0-9A-Za-z]{43,}$`))
    expect(isRevoked(named.body.api_key)).toBe(false)
    for (const body of [undefined, {}, { name: null }]) {
      expect((await call('POST', path, { body })).body.name).toBeNull()
    }
    for (const body of ['[]', { name: 7 }, { name: 'n'.repeat(256) }]) {
      refusesBody(await call('POST', path, { body }))
    }
  })

  test('42 A key is shown once: nothing else that answers, is logged or is stored holds its secret', async () => {
    const path = `${groups}/${(await make()).id}/api_keys`
    const { api_key, prefix } = (await call('POST', path, { body: { name: 'ci' } })).body
    const label = { prefix, name: 'ci' }
    const listed = await call('GET', path)
    expect(listed.body).toEqual({ items: [label], pagination: { has_more: false, cursor: null } })
    expect((await call('GET', `${path}/${prefix}`)).body).toEqual(label)

    const dump = await dumpOf(world)
    expect(dump).toContain(prefix)
    for (const secret of [api_key, api_key.split('.')[1], keys.w, 'sk-of-the-vendor', 'upstream-key']) {
      expect(dump).not.toContain(secret)
    }
  })

  test('43 Revoking one key leaves the other alone; the revoked one is gone', async () => {
    const path = `${groups}/${(await make()).id}/api_keys`
    const elsewhere = `${groups}/${(await make()).id}/api_keys`
    const [one, two] = [(await call('POST', path)).body, (await call('POST', path)).body]
    for (const method of ['GET', 'DELETE']) {
      expect((await call(method, `${elsewhere}/${one.prefix}`)).status).toBe(404)
    }
    const revoked = await call('DELETE', `${path}/${one.prefix}`)
    expect([revoked.status, revoked.body]).toEqual([200, { prefix: one.prefix }])
    expect([one, two].map(({ api_key }) => isRevoked(api_key))).toEqual([true, false])
    for (const method of ['GET', 'DELETE']) {
      expect((await call(method, `${path}/${one.prefix}`)).status).toBe(404)
    }
    expect((await call('GET', path)).body.items).toEqual([{ prefix: two.prefix, name: null }])
  })
})

/** Every table's every row, as text. */
async function dumpOf({ database }: World): Promise<string> {
  const tables = await database.read.introspection.getTables()
  const rows = await Promise.all(
    tables.map(({ name }) => sql`select * from ${sql.table(name)}`.execute(database.read)),
  )
  return JSON.stringify(rows.map((table) => table.rows))
}
