import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { type Frontier, modelOf, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { keyOf, labKey, labsConfiguration, openLab } from '../setup/labs.ts'

// biome-ignore lint/suspicious/noExplicitAny: entries are compared member by member, whatever they are
type Json = any

describe.each(mostDatabases())('the audit log on $name', ({ create }) => {
  const labs = { aurora: openLab(), borealis: openLab() }
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let aurora: Frontier
  let borealis: Frontier
  let now = Date.UTC(2026, 10, 3, 12)

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    gateway = await startGateway({
      config: labsConfiguration(upstream.url, labs),
      databaseUrl: place.url,
      clock: now,
    })
    aurora = openFrontier(gateway, keyOf('aurora', 'WORKSPACE_MANAGE_ALL'))
    borealis = openFrontier(gateway, keyOf('borealis', 'PERSONAL'))
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  const list = async (query = '', key = keyOf('aurora', 'PERSONAL'), headers = {}) => {
    const response = await fetch(`${gateway.url}/v1/audit_logs${query}`, {
      headers: { authorization: `Api-Key ${key}`, ...headers },
    })
    return { status: response.status, body: (await response.json()) as Json }
  }
  /** What was written since `work` began, oldest first. */
  const writtenBy = async (work: () => Promise<unknown>): Promise<Json[]> => {
    const before = new Set((await list('?limit=200')).body.items.map(({ id }: Json) => id))
    await work()
    return (await list('?limit=200')).body.items.filter(({ id }: Json) => !before.has(id)).toReversed()
  }

  test('endpoints leave their events, with the slug they had before', async () => {
    let id = ''
    const written = await writtenBy(async () => {
      id = await aurora.createEndpoint('aurora/first')
      now += 1234
      await gateway.setClock(now)
      await aurora.request('PATCH', `/endpoints/${id}`, { slug: 'aurora/second' })
      const targets = [{ provider: 'OPENAI', target_model: 'm', secret_id: 'sec_vendor' }]
      await aurora.request('PATCH', `/endpoints/${id}`, { targets })
      await aurora.request('DELETE', `/endpoints/${id}`)
      // Refused, so nothing was done.
      await aurora.request('PATCH', `/endpoints/${id}`, { slug: 'aurora/third' })
      await aurora.request('POST', '/endpoints', { slug: 'stranger/slug', targets })
    })
    const event = (event_type: string, created: string, data: object) => ({
      id: expect.any(String),
      created,
      event_type,
      event_data: { event_type, gateway_endpoint_id: id, ...data },
      source: 'API',
      actor: { type: 'API_KEY', id: expect.stringMatching(/^wk_/), email: null, api_key_prefix: null },
    })
    const later = '2026-11-03T12:00:01.234Z'
    expect(written).toEqual([
      event('GATEWAY_ENDPOINT_CREATED', '2026-11-03T12:00:00Z', { slug: 'aurora/first' }),
      event('GATEWAY_ENDPOINT_UPDATED', later, { slug: 'aurora/second', previous_slug: 'aurora/first' }),
      event('GATEWAY_ENDPOINT_UPDATED', later, { slug: 'aurora/second', previous_slug: null }),
      event('GATEWAY_ENDPOINT_DELETED', later, { slug: 'aurora/second' }),
    ])
    expect(new Set(written.map(({ actor }) => actor.id)).size).toBe(1)
  })

  test('groups and keys leave theirs under the same scheme, and no secret', async () => {
    let group = ''
    let minted = ''
    const key = labKey()
    const written = await writtenBy(async () => {
      group = await aurora.createGroup({ externalId: 'audited', models: { 'aurora/m': [] } })
      await aurora.request('PATCH', `/groups/${group}`, {
        metadata: { name: 'n' },
        models: [modelOf('aurora/m', ['TOKEN/DAY 5'])],
      })
      minted = await aurora.mintKey(group)
      const body = JSON.stringify({ key, name: 'theirs' })
      await fetch(`${gateway.url}/v1/gateway/groups/${group}/api_keys/register`, {
        method: 'POST',
        headers: {
          authorization: `Api-Key ${keyOf('aurora', 'PERSONAL')}`,
          'x-baseten-signature': labs.aurora.sign(body),
        },
        body,
      })
      await aurora.request('DELETE', `/groups/${group}/api_keys/${encodeURIComponent(key.slice(0, 16))}`)
      await aurora.request('DELETE', `/groups/${group}`)
    })
    const [prefix, secret = ''] = minted.split('.')
    const data = (event_type: string, more: object) => ({ event_type, gateway_group_id: group, ...more })
    expect(written.map(({ event_data }) => event_data)).toEqual([
      data('GATEWAY_GROUP_CREATED', { external_entity_id: 'audited' }),
      data('GATEWAY_GROUP_UPDATED', { changed: ['name', 'models'] }),
      data('GATEWAY_API_KEY_CREATED', { api_key_prefix: prefix, name: null }),
      data('GATEWAY_API_KEY_REGISTERED', { api_key_prefix: key.slice(0, 16), name: 'theirs' }),
      data('GATEWAY_API_KEY_REVOKED', { api_key_prefix: key.slice(0, 16) }),
      data('GATEWAY_GROUP_DELETED', { external_entity_id: 'audited' }),
    ])
    expect(JSON.stringify(written)).not.toContain(secret)
    expect(JSON.stringify(written)).not.toContain(key.slice(17, 47))
  })

  test('a workspace sees its own alone; an admin key acts, and is named, in any', async () => {
    await borealis.createGroup({ externalId: 'of-borealis', models: { 'borealis/m': [] } })
    const inAurora = await writtenBy(async () => {
      await fetch(`${gateway.url}/v1/gateway/groups`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gateway.adminKey}`, 'x-tollgate-workspace': 'aurora' },
        body: JSON.stringify({
          metadata: { external_entity_id: 'by-admin' },
          models: [{ slug: 'aurora/m' }],
          hierarchy: {},
        }),
      })
    })
    expect(inAurora).toMatchObject([
      { source: 'API', actor: { type: 'API_KEY', id: expect.stringMatching(/^ak_/) } },
    ])
    const theirs = (await list('?limit=200', keyOf('borealis', 'PERSONAL'))).body.items
    expect(theirs.map(({ event_type }: Json) => event_type)).toEqual(['GATEWAY_GROUP_CREATED'])
    const seenByAdmin = await list('?limit=200', gateway.adminKey, { 'x-tollgate-workspace': 'borealis' })
    expect(seenByAdmin.body.items).toEqual(theirs)
    expect(JSON.stringify((await list('?limit=200')).body)).not.toContain('borealis')
  })

  test('newest first, 20 to a page unless asked otherwise, none twice while more are written', async () => {
    const made: string[] = []
    const more = async (count: number) => {
      for (let group = 0; group < count; group += 1)
        made.push(await aurora.createGroup({ models: { 'aurora/m': [] } }))
    }
    await more(24)
    const first = (await list()).body
    expect(first.items).toHaveLength(20)
    expect(first.pagination.has_more).toBe(true)
    const seen: Json[] = [...first.items]
    for (let cursor = first.pagination.cursor; cursor !== null; ) {
      await more(1)
      const { status, body } = await list(`?limit=7&cursor=${cursor}`)
      expect(status).toBe(200)
      expect(body.items.length).toBeLessThanOrEqual(7)
      expect(body.pagination.has_more).toBe(body.pagination.cursor !== null)
      seen.push(...body.items)
      cursor = body.pagination.cursor
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    const created = seen.map((entry) => entry.created)
    expect(created.toSorted().toReversed()).toEqual(created)
    const groups = seen.map(({ event_data }) => event_data.gateway_group_id).slice(0, 24)
    expect(groups).toEqual(made.slice(0, 24).toReversed())
    // The first ever, and nothing that was written after the first page was read.
    expect(seen.at(-1)).toMatchObject({ event_type: 'GATEWAY_ENDPOINT_CREATED' })
    expect((await list('?limit=1')).body.items[0].event_data.gateway_group_id).toBe(made.at(-1))
  })

  test('a page of 0 or 201, and a cursor that is none of this list, are 400', async () => {
    const { cursor } = (await list('?limit=1')).body.pagination
    const groups = (await aurora.request('GET', '/groups?limit=1')).body.pagination.cursor
    for (const query of [
      '?limit=0',
      '?limit=201',
      '?limit=ten',
      '?limit=1.5',
      '?cursor=x',
      `?cursor=${groups}`,
    ]) {
      const { status, body } = await list(query)
      expect([status, body.code]).toEqual([400, 'VALIDATION_ERROR'])
    }
    expect((await list(`?cursor=${cursor}`)).status).toBe(200)
    expect((await list(`?cursor=${cursor}`, keyOf('borealis', 'PERSONAL'))).status).toBe(400)
    expect((await list('?limit=200')).status).toBe(200)
  })
})
