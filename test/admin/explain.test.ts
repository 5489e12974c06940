import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tollgate } from '../cli/run.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import {
  chat,
  chatStatus,
  configurationFor,
  type Frontier,
  modelOf,
  openFrontier,
} from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { type OperatorDoor, openOperator, refusal } from './operator.ts'

const noon = Date.UTC(2026, 10, 3, 12)
const slug = 'aurora/lumen'

describe.each(mostDatabases())('explain on $name', ({ create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let operator: OperatorDoor
  let frontier: Frontier

  beforeAll(async () => {
    upstream = await startFakeUpstream({ script: { promptTokens: 20, chunks: 5 } })
    place = await create()
    gateway = await startGateway({
      config: configurationFor(upstream.url),
      clock: noon,
      databaseUrl: place.url,
    })
    operator = openOperator(gateway)
    frontier = openFrontier(gateway)
    await frontier.createEndpoint(slug)
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  const prefixOf = (key: string) => key.slice(0, key.indexOf('.'))
  const ask = (key: string, model = slug, more = '') =>
    operator.request('GET', `/explain?prefix=${prefixOf(key)}&model=${encodeURIComponent(model)}${more}`)

  test('shows every row that a call has to pass, in order, on whose counter, and which refuses until when', async () => {
    const parentId = await frontier.createGroup({
      externalId: 'parent',
      mode: 'CASCADING',
      models: { [slug]: ['REQUEST/DAY 3', 'TOKEN/MINUTE 5000'] },
    })
    const groupId = await frontier.createGroup({
      parentId,
      externalId: 'child',
      models: { [slug]: ['REQUEST/MINUTE 2', 'TOKEN/DAY 1000 strict'] },
    })
    const key = await frontier.mintKey(groupId)
    const fresh = await ask(key)
    expect(fresh.status).toBe(200)
    const limit = (type: string, unit: string, ceiling: number, group: string, more: object = {}) => ({
      type,
      unit,
      strict: false,
      ceiling,
      used: 0,
      held: 0,
      window:
        unit === 'DAY'
          ? { kind: 'PERIOD', seconds: 86_400, ends_at: '2026-11-04T00:00:00Z' }
          : { kind: 'ROLLING', seconds: 60, ends_at: null },
      source_group: group,
      counter_group: group,
      refuses: false,
      only_held: false,
      opens_at: null,
      ...more,
    })
    expect(fresh.body).toEqual({
      verdict: { admits: true, status: 200, reason: 'Every limit has room.', opens_at: null },
      key: { prefix: prefixOf(key), name: null, workspace_id: 'aurora', revoked: false },
      group: {
        id: groupId,
        name: null,
        external_entity_id: 'child',
        limit_enforcement: 'CASCADING',
        lists_model: true,
      },
      model: slug,
      endpoint: { id: expect.stringMatching(/^ep_/), region: 'UNRESTRICTED', provider: 'BASETEN' },
      upstream: { base_url: `${upstream.url}/v1`, model: 'lumen-2', region: null, has_api_key: true },
      limits: [
        limit('REQUEST', 'MINUTE', 2, groupId),
        limit('TOKEN', 'DAY', 1000, groupId, { strict: true }),
        limit('TOKEN', 'MINUTE', 5000, parentId),
        limit('REQUEST', 'DAY', 3, parentId),
      ],
    })

    // Asking has charged nothing: two calls pass, and a third is refused just as explain says it will be.
    for (const call of [1, 2])
      expect([call, await chatStatus(gateway, key, { model: slug, max_tokens: 50 })]).toEqual([call, 200])
    const used = upstream.requests
      .slice(-2)
      .reduce((sum, { tokens }) => sum + (tokens?.prompt ?? 0) + (tokens?.completion ?? 0), 0)
    expect(used).toBeGreaterThan(0)
    const { body } = await ask(key)
    const opensAt = '2026-11-03T12:01:01Z'
    expect(body.limits).toEqual([
      limit('REQUEST', 'MINUTE', 2, groupId, { used: 2, refuses: true, opens_at: opensAt }),
      limit('TOKEN', 'DAY', 1000, groupId, { strict: true, used }),
      limit('TOKEN', 'MINUTE', 5000, parentId, { used }),
      limit('REQUEST', 'DAY', 3, parentId, { used: 2 }),
    ])
    expect(body.verdict).toEqual({
      admits: false,
      status: 429,
      reason: `REQUEST/MINUTE of group ${groupId} has no room.`,
      opens_at: opensAt,
    })
    const refused = await chat(gateway, key, { model: slug, max_tokens: 50 })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '61'])
    await refused.text()

    await gateway.setClock(Date.parse(opensAt))
    expect((await ask(key)).body.verdict.admits).toBe(true)
    expect(await chatStatus(gateway, key, { model: slug, max_tokens: 50 })).toBe(200)
    // Now the parent's day is spent too, and the answer tells of the later opening.
    const spent = (await ask(key)).body
    expect(spent.verdict).toMatchObject({ status: 429, opens_at: '2026-11-04T00:00:00Z' })
    expect(spent.limits.map(({ refuses }: { refuses: boolean }) => refuses)).toEqual([
      false,
      false,
      false,
      true,
    ])
  })

  test('shows on which counter an inherited threshold counts, and what calls under way hold', async () => {
    const parentId = await frontier.createGroup({
      externalId: 'root',
      models: { [slug]: ['TOKEN/MINUTE 1'] },
    })
    const groupId = await frontier.createGroup({ externalId: 'leaf', parentId, models: { [slug]: [] } })
    const key = await frontier.mintKey(groupId)
    upstream.script({ stallBefore: 'head' })
    const arrived = upstream.nextRequest()
    const underWay = chatStatus(gateway, key, { model: slug })
    await arrived
    const { body } = await ask(key)
    expect(body.limits).toMatchObject([
      { source_group: parentId, counter_group: groupId, used: 0, refuses: true, only_held: true },
    ])
    expect(body.limits[0].held).toBeGreaterThan(0)
    upstream.resume()
    expect(await underWay).toBe(200)
  })

  test('says why a call would meet no limit at all', async () => {
    const groupId = await frontier.createGroup({
      externalId: 'plain',
      models: { [slug]: [], 'aurora/nowhere': [] },
    })
    const key = await frontier.mintKey(groupId)
    const verdict = async (model?: string) => (await ask(key, model)).body.verdict
    expect(await verdict('aurora/nowhere')).toMatchObject({
      status: 404,
      reason: 'The workspace has no endpoint for the model.',
    })
    expect(await verdict('aurora/other')).toMatchObject({
      status: 404,
      reason: "The key's group does not list the model.",
    })
    await frontier.createEndpoint('aurora/claude', { provider: 'BASETEN_MODEL_API', target_model: 'm' })
    const models = [slug, 'aurora/claude', 'aurora/closed'].map((model) =>
      modelOf(model, model.endsWith('closed') ? ['REQUEST/DAY 0'] : []),
    )
    await frontier.request('PATCH', `/groups/${groupId}`, { models })
    expect(await verdict('aurora/claude')).toMatchObject({ status: 502, admits: false })
    await frontier.createEndpoint('aurora/closed')
    expect((await ask(key, 'aurora/closed')).body).toMatchObject({
      verdict: { status: 429, opens_at: null },
      limits: [{ refuses: true, ceiling: 0, opens_at: null }],
    })
    expect(await verdict()).toMatchObject({ admits: true, status: 200 })
    await frontier.request('DELETE', `/groups/${groupId}/api_keys/${prefixOf(key)}`)
    expect(await verdict()).toMatchObject({ status: 401, reason: 'The key was revoked.' })
    expect(await chatStatus(gateway, key, { model: slug })).toBe(401)
  })

  test('refuses what names no key', async () => {
    const nobody = await operator.request('GET', `/explain?prefix=sky_nobody&model=${slug}`)
    expect(nobody.body).toEqual(refusal(404, 'There is no such API key.'))
    const noModel = await operator.request('GET', '/explain?prefix=sky_nobody')
    expect(noModel.body).toEqual(refusal(400, 'model: must be a text of 1 to 255 characters'))
    const misspelt = await operator.request('GET', `/explain?prefix=sky_nobody&model=${slug}&worksapce=a`)
    expect(misspelt.body.error.message).toMatch(/^worksapce: is not a setting/)
    const groupId = await frontier.createGroup({ externalId: 'placed', models: { [slug]: [] } })
    const key = await frontier.mintKey(groupId)
    expect((await ask(key, slug, '&workspace=aurora')).status).toBe(200)
    expect((await ask(key, slug, '&workspace=default')).status).toBe(404)
  })

  test('`tollgate explain` is thin over it', async () => {
    const groupId = await frontier.createGroup({
      externalId: 'told',
      models: { [slug]: ['REQUEST/MINUTE 1', 'TOKEN/DAY 90'] },
    })
    const key = await frontier.mintKey(groupId)
    await chatStatus(gateway, key, { model: slug })
    const environment = { TOLLGATE_URL: gateway.url, TOLLGATE_ADMIN_KEY: gateway.adminKey }
    const told = await tollgate(['explain', prefixOf(key), slug], environment)
    expect({ code: told.code, errors: told.errors }).toEqual({ code: 0, errors: '' })
    expect(told.output).toMatch(
      /^429: REQUEST\/MINUTE of group g_\w+ has no room\. It opens at 2026-11-03T\S+Z\.\n/,
    )
    expect(told.output).toMatch(/^REQUEST\/MINUTE +1 +1 +0 +g_\w+ +g_\w+ +refuses until 2026-11-03T\S+Z$/m)
    expect(told.output).toMatch(/^TOKEN\/DAY +90 +\d+ +0 +g_\w+ +g_\w+ +has room$/m)
    const asJson = await tollgate(['explain', prefixOf(key), slug, '--json'], environment)
    expect(JSON.parse(asJson.output)).toEqual((await ask(key)).body)

    const run = (args: string[], more: object = {}) =>
      tollgate(['explain', ...args], { ...environment, ...more })
    const unknown = await run(['sky_nobody', slug])
    expect(unknown).toEqual({ code: 1, output: '', errors: 'There is no such API key.\n' })
    const stranger = await run([prefixOf(key), slug, '--admin-key', 'env.WRONG'], { WRONG: 'no-admin-key' })
    expect(stranger).toEqual({ code: 1, output: '', errors: 'The gateway does not know this admin key.\n' })
    const away = await run([prefixOf(key), slug, '--url', 'http://127.0.0.1:1'])
    expect([away.code, away.errors]).toEqual([
      3,
      expect.stringContaining('There is no gateway at http://127.0.0.1:1'),
    ])
    const keyless = await run([prefixOf(key), slug], { TOLLGATE_ADMIN_KEY: '' })
    expect([keyless.code, keyless.errors]).toEqual([2, expect.stringContaining('--admin-key: is required')])
  })
})
