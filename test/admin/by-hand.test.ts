import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { chatStatus, type Frontier, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { labKey, openLab } from '../setup/labs.ts'
import { type OperatorDoor, openOperator, refusal } from './operator.ts'

const publicKey = Buffer.alloc(32, 7).toString('base64')

describe.each(mostDatabases())('what the operator does by hand, on $name', ({ create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let operator: OperatorDoor

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    const network = { allow_private: ['127.0.0.0/8'], origins: { 'https://api.openai.com': upstream.url } }
    gateway = await startGateway({ config: { network }, databaseUrl: place.url })
    operator = openOperator(gateway)
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  /** A workspace with one key of its lab's. */
  async function labOf(id: string): Promise<{ frontier: Frontier; keyId: string; value: string }> {
    await operator.expectOk('POST', '/workspaces', { id, slug_prefixes: [id] })
    const { id: keyId, value } = await operator.expectOk('POST', `/workspaces/${id}/api_keys`, { name: 'ci' })
    return { frontier: openFrontier(gateway, value), keyId, value }
  }
  const production = (members: object = {}) => ({ base_url: `${upstream.url}/v1`, ...members })
  const lastCall = () => upstream.requests.at(-1)
  const keyFor = async (frontier: Frontier, slug: string) => {
    const groupId = await frontier.createGroup({ models: { [slug]: [] } })
    return { groupId, key: await frontier.mintKey(groupId) }
  }

  test('a workspace is created, shown, listed, changed', async () => {
    const made = await operator.expectOk('POST', '/workspaces', {
      id: 'north',
      name: 'North Labs',
      slug_prefixes: ['north', 'arctic'],
      domains: ['AI.North.example'],
      registration_public_key: publicKey,
    })
    expect(made).toEqual({
      id: 'north',
      name: 'North Labs',
      onboarded: true,
      slug_prefixes: ['arctic', 'north'],
      domains: ['ai.north.example'],
      registration_public_key: publicKey,
      in_file: false,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    expect(await operator.expectOk('GET', '/workspaces/north')).toEqual(made)
    const { items } = await operator.expectOk('GET', '/workspaces')
    expect(items).toContainEqual(made)
    const change = { name: 'Polar', slug_prefixes: ['polar'], registration_public_key: null }
    const changed = await operator.expectOk('PATCH', '/workspaces/north', change)
    expect(changed).toEqual({ ...made, ...change })
    expect(await operator.expectOk('GET', '/workspaces/north')).toEqual(changed)
    // What it had is free, what it has is not.
    await operator.expectOk('POST', '/workspaces', { id: 'arctic', slug_prefixes: ['arctic'] })
    const again = await operator.request('POST', '/workspaces', { id: 'north' })
    expect(again.body).toEqual(refusal(409, 'id: taken by another workspace'))
    const home = await operator.expectOk('PATCH', '/workspaces/default', { slug_prefixes: ['home'] })
    expect(home.slug_prefixes).toEqual(['default', 'demo', 'home'])
  })

  test('of many at once that want one prefix, one gets it', async () => {
    const wishes = Array.from({ length: 8 }, (_, at) =>
      operator.request('POST', '/workspaces', { id: `rival-${at}`, slug_prefixes: ['wanted'] }),
    )
    const statuses = (await Promise.all(wishes)).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, ...Array(7).fill(409)])
  })

  test('domains are attached and detached, each to one workspace', async () => {
    await operator.expectOk('POST', '/workspaces', { id: 'east' })
    await operator.expectOk('POST', '/workspaces', { id: 'west' })
    const attach = (id: string, domain: string) =>
      operator.request('POST', `/workspaces/${id}/domains`, { domain })
    expect((await attach('east', 'AI.East.example')).body.domains).toEqual(['ai.east.example'])
    expect((await attach('east', 'b.east.example')).body.domains).toEqual([
      'ai.east.example',
      'b.east.example',
    ])
    expect((await attach('west', 'ai.EAST.example')).body).toEqual(
      refusal(409, 'domains: ai.east.example belongs to workspace east'),
    )
    expect((await attach('east', 'b.east.example')).status).toBe(409)
    expect((await attach('west', 'localhost')).body.error.message).toMatch(/^domain: must be a host name/)
    const detached = await operator.expectOk('DELETE', '/workspaces/east/domains/AI.east.example')
    expect(detached.domains).toEqual(['b.east.example'])
    const twice = await operator.request('DELETE', '/workspaces/east/domains/ai.east.example')
    expect(twice.body).toEqual(refusal(404, 'This workspace has no such domain.'))
    expect((await attach('west', 'ai.east.example')).status).toBe(200)
  })

  test("a lab's keys are minted, rotated and revoked, each with the next call", async () => {
    const { frontier, keyId, value } = await labOf('keys')
    const listed = async () => (await operator.expectOk('GET', '/workspaces/keys/api_keys')).items
    expect(value).toMatch(/^tgw_[0-9A-Za-z]{43}$/)
    expect(await listed()).toEqual([
      { id: keyId, name: 'ci', type: 'WORKSPACE_MANAGE_ALL', in_file: false, created_at: expect.any(String) },
    ])
    expect((await frontier.request('GET', '/groups')).status).toBe(200)

    const named = await operator.request('POST', '/workspaces/keys/api_keys', { name: 'ci' })
    expect(named.body).toEqual(refusal(409, 'name: taken by another key of this workspace'))
    const brought = { name: 'brought', type: 'WORKSPACE_INVOKE', value: 'a-value-of-the-operator' }
    const second = await operator.expectOk('POST', '/workspaces/keys/api_keys', brought)
    expect(second).not.toHaveProperty('value')
    expect((await openFrontier(gateway, brought.value).request('GET', '/groups')).status).toBe(403)
    for (const taken of [brought.value, gateway.adminKey]) {
      const body = { name: 'other', value: taken }
      const refused = await operator.request('POST', '/workspaces/keys/api_keys', body)
      expect(refused.body).toEqual(refusal(409, 'value: is, or was, that of another key'))
    }

    const rotated = await operator.expectOk('POST', `/workspaces/keys/api_keys/${keyId}/rotate`)
    expect((await frontier.request('GET', '/groups')).status).toBe(401)
    const renewed = openFrontier(gateway, rotated.value)
    expect((await renewed.request('GET', '/groups')).status).toBe(200)

    await operator.expectOk('PATCH', '/workspaces/keys', { onboarded: false })
    expect((await renewed.request('GET', '/groups')).status).toBe(403)
    await operator.expectOk('PATCH', '/workspaces/keys', { onboarded: true })
    expect((await renewed.request('GET', '/groups')).status).toBe(200)

    await operator.expectOk('DELETE', `/workspaces/keys/api_keys/${keyId}`)
    expect((await renewed.request('GET', '/groups')).status).toBe(401)
    expect((await operator.request('DELETE', `/workspaces/keys/api_keys/${keyId}`)).status).toBe(404)
    expect((await listed()).map(({ name }: { name: string }) => name)).toEqual(['brought'])
    const elsewhere = await operator.request('DELETE', `/workspaces/default/api_keys/${second.id}`)
    expect(elsewhere.body).toEqual(refusal(404, 'There is no such key in this workspace.'))
    expect((await operator.request('GET', '/workspaces/nowhere/api_keys')).status).toBe(404)
  })

  test("a lab's public key verifies registrations from the next call on", async () => {
    const { frontier, value } = await labOf('proof')
    const lab = openLab()
    const groupId = await frontier.createGroup({ models: { 'proof/m': [] } })
    const register = async (): Promise<[number, string]> => {
      const body = JSON.stringify({ key: labKey() })
      const answered = await fetch(`${gateway.url}/v1/gateway/groups/${groupId}/api_keys/register`, {
        method: 'POST',
        headers: { authorization: `Api-Key ${value}`, 'x-baseten-signature': lab.sign(body) },
        body,
      })
      return [answered.status, await answered.text()]
    }
    const change = (key: string | null) =>
      operator.expectOk('PATCH', '/workspaces/proof', { registration_public_key: key })
    const unconfigured = [
      400,
      expect.stringContaining('Must configure a public key before registering API keys'),
    ]
    expect(await register()).toEqual(unconfigured)
    await change(lab.publicKey)
    expect(await register()).toEqual([200, '{"ok":true}'])
    await change(openLab().publicKey)
    expect(await register()).toEqual([400, expect.stringContaining('Signature verification failed')])
    await change(null)
    expect(await register()).toEqual(unconfigured)
  })

  test('a model is created, replaced and deleted, each with the next call', async () => {
    const { frontier } = await labOf('models')
    const path = '/workspaces/models/models'
    const made = await operator.expectOk('POST', path, {
      id: 'lumen',
      environments: { production: production({ model: 'lumen-2', api_key: 'first-upstream-key' }) },
    })
    const shown = {
      base_url: `${upstream.url}/v1`,
      model: 'lumen-2',
      region: null,
      has_api_key: true,
      in_file: false,
    }
    expect(made).toEqual({ id: 'lumen', environments: { production: shown } })
    expect(await operator.expectOk('GET', `${path}/lumen`)).toEqual(made)
    expect((await operator.expectOk('GET', path)).items).toEqual([made])
    const twice = await operator.request('POST', path, { id: 'lumen', environments: { a: production() } })
    expect(twice.body).toEqual(refusal(409, 'id: taken by another model of this workspace'))

    await frontier.createEndpoint('models/lumen')
    const { key } = await keyFor(frontier, 'models/lumen')
    const call = () => chatStatus(gateway, key, { model: 'models/lumen' })
    expect(await call()).toBe(200)
    expect(lastCall()?.json?.model).toBe('lumen-2')
    expect(lastCall()?.headers.authorization).toBe('Bearer first-upstream-key')

    const put = {
      base_url: `${upstream.url}/v1`,
      model: 'lumen-3',
      api_key: 'second-upstream-key',
      region: 'EU',
    }
    await operator.expectOk('PUT', `${path}/lumen/environments/production`, put)
    expect(await call()).toBe(200)
    expect(lastCall()?.json?.model).toBe('lumen-3')
    expect(lastCall()?.headers.authorization).toBe('Bearer second-upstream-key')

    const whole = { production: production({ model: 'lumen-4' }), canary: production() }
    const replaced = await operator.expectOk('PUT', `${path}/lumen`, { environments: whole })
    expect(replaced.environments.production).toMatchObject({
      model: 'lumen-4',
      has_api_key: false,
      region: null,
    })
    expect(await call()).toBe(200)
    expect(lastCall()?.headers.authorization).toBeUndefined()

    const inUse = refusal(
      409,
      'The environment production of lumen is named by the endpoint models/lumen: give that another target first.',
    )
    expect((await operator.request('DELETE', `${path}/lumen`)).body).toEqual(inUse)
    expect((await operator.request('DELETE', `${path}/lumen/environments/production`)).body).toEqual(inUse)
    const without = { environments: { canary: production() } }
    expect((await operator.request('PUT', `${path}/lumen`, without)).body).toEqual(inUse)
    expect(await call()).toBe(200)
    await operator.expectOk('DELETE', `${path}/lumen/environments/canary`)
    const gone = await operator.request('DELETE', `${path}/lumen/environments/canary`)
    expect(gone.body).toEqual(refusal(404, 'There is no such environment of this model.'))

    const { items } = (await frontier.request('GET', '/endpoints')).body
    await frontier.request('DELETE', `/endpoints/${items[0].id}`)
    await operator.expectOk('DELETE', `${path}/lumen`)
    expect((await operator.request('GET', `${path}/lumen`)).body).toEqual(
      refusal(404, 'There is no such model.'),
    )
    const target = { slug: 'models/lumen', targets: [{ provider: 'BASETEN', model_id: 'lumen' }] }
    const unknown = await frontier.request('POST', '/endpoints', target)
    expect(unknown.body.message).toBe('targets.0.model_id: there is no model lumen')
    await operator.expectOk('POST', path, { id: 'lumen', environments: { production: production() } })
    expect((await frontier.request('POST', '/endpoints', target)).status).toBe(200)
    expect(await call()).toBe(200)
    const badName = await operator.request('PUT', `${path}/${'x'.repeat(256)}`, { environments: whole })
    expect(badName.body.error.message).toBe('id: must be a text of 1 to 255 characters, without NUL')
  })

  test('a secret is created, rotated and deleted, each with the next call', async () => {
    const { frontier } = await labOf('secrets')
    const path = '/workspaces/secrets/secrets'
    const made = await operator.expectOk('POST', path, { id: 'sec_openai', value: 'sk-first' })
    expect(made).toEqual({
      id: 'sec_openai',
      in_file: false,
      created_at: expect.any(String),
      updated_at: made.created_at,
    })
    const twice = await operator.request('POST', path, { id: 'sec_openai', value: 'sk-other' })
    expect(twice.body).toEqual(refusal(409, 'id: taken by another secret of this workspace'))
    const target = { provider: 'OPENAI', target_model: 'gpt', secret_id: 'sec_openai' }
    const endpointId = await frontier.createEndpoint('secrets/gpt', target)
    const { key } = await keyFor(frontier, 'secrets/gpt')
    const call = () => chatStatus(gateway, key, { model: 'secrets/gpt' })
    expect(await call()).toBe(200)
    expect(lastCall()?.headers.authorization).toBe('Bearer sk-first')
    const rotated = await operator.expectOk('POST', `${path}/sec_openai/rotate`, { value: 'sk-second' })
    expect(Date.parse(rotated.updated_at)).toBeGreaterThan(Date.parse(made.updated_at))
    expect(await call()).toBe(200)
    expect(lastCall()?.headers.authorization).toBe('Bearer sk-second')
    expect((await operator.request('DELETE', `${path}/sec_openai`)).body).toEqual(
      refusal(
        409,
        'The secret sec_openai is named by the endpoint secrets/gpt: give that another target first.',
      ),
    )
    await frontier.request('DELETE', `/endpoints/${endpointId}`)
    await operator.expectOk('DELETE', `${path}/sec_openai`)
    expect((await operator.expectOk('GET', path)).items).toEqual([])
    expect((await operator.request('POST', `${path}/sec_openai/rotate`, { value: 'v' })).status).toBe(404)
    await operator.expectOk('POST', path, { id: 'sec_openai', value: 'sk-third' })
    await frontier.createEndpoint('secrets/gpt', target)
    expect(await call()).toBe(200)
    expect(lastCall()?.headers.authorization).toBe('Bearer sk-third')
  })

  test('a workspace goes with all that it holds, but never one with groups, nor the default', async () => {
    const { frontier, value } = await labOf('fleeting')
    const path = '/workspaces/fleeting'
    await operator.expectOk('POST', `${path}/models`, { id: 'm', environments: { production: production() } })
    await operator.expectOk('POST', `${path}/secrets`, { id: 's', value: 'sk-s' })
    await operator.expectOk('POST', `${path}/domains`, { domain: 'ai.fleeting.example' })
    await frontier.createEndpoint('fleeting/m', { provider: 'BASETEN', model_id: 'm' })
    const { groupId, key } = await keyFor(frontier, 'fleeting/m')
    expect(await chatStatus(gateway, key, { model: 'fleeting/m' })).toBe(200)
    const refused = await operator.request('DELETE', path)
    expect(refused.body).toEqual(refusal(409, 'The workspace has groups: delete those first.'))
    expect(await chatStatus(gateway, key, { model: 'fleeting/m' })).toBe(200)
    expect((await operator.request('DELETE', '/workspaces/default')).body).toEqual(
      refusal(409, 'The workspace default is always there.'),
    )

    await frontier.request('DELETE', `/groups/${groupId}`)
    expect(await operator.expectOk('DELETE', path)).toEqual({
      id: 'fleeting',
      deleted_at: expect.any(String),
    })
    expect((await frontier.request('GET', '/groups')).status).toBe(401)
    expect(await chatStatus(gateway, key, { model: 'fleeting/m' })).toBe(401)
    for (const [method, below] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['GET', '/models'],
      ['GET', '/secrets'],
      ['POST', '/domains'],
    ] as const) {
      const body =
        method === 'PATCH' ? { name: 'n' } : method === 'POST' ? { domain: 'a.example' } : undefined
      expect((await operator.request(method, `${path}${below}`, body)).body).toEqual(
        refusal(404, 'There is no such workspace.'),
      )
    }
    const { items } = await operator.expectOk('GET', '/workspaces')
    expect(items.map(({ id }: { id: string }) => id)).not.toContain('fleeting')

    // What it owned is free, and its id can be used again; nothing of what it held comes back.
    await operator.expectOk('POST', '/workspaces', { id: 'heir', slug_prefixes: ['fleeting'] })
    await operator.expectOk('POST', '/workspaces', { id: 'fleeting', domains: ['ai.fleeting.example'] })
    for (const below of ['/models', '/secrets', '/api_keys']) {
      expect((await operator.expectOk('GET', `${path}${below}`)).items).toEqual([])
    }
    expect((await openFrontier(gateway, value).request('GET', '/groups')).status).toBe(401)
  })

  test('admin keys are minted, rotated and revoked, but never the last', async () => {
    const made = await operator.expectOk('POST', '/admin_keys', { name: 'second' })
    const second = openOperator(gateway, made.value)
    expect(
      (await second.expectOk('GET', '/admin_keys')).items.map(({ name }: { name: string }) => name),
    ).toEqual(['command line', 'second'])
    const named = await operator.request('POST', '/admin_keys', { name: 'second' })
    expect(named.body).toEqual(refusal(409, 'name: taken by another admin key'))
    const rotated = await operator.expectOk('POST', `/admin_keys/${made.id}/rotate`)
    expect((await second.request('GET', '/admin_keys')).status).toBe(401)
    const renewed = openOperator(gateway, rotated.value)
    const [{ id: first }] = (await renewed.expectOk('GET', '/admin_keys?limit=1')).items
    await renewed.expectOk('DELETE', `/admin_keys/${first}`)
    expect((await operator.request('GET', '/admin_keys')).status).toBe(401)
    const last = await renewed.request('DELETE', `/admin_keys/${made.id}`)
    expect(last.body).toEqual(refusal(409, 'This is the last admin key. Make another before you revoke it.'))

    // Two that revoke each other at once do not shut everybody out.
    const third = await renewed.expectOk('POST', '/admin_keys', { name: 'third' })
    const both = await Promise.all([
      renewed.request('DELETE', `/admin_keys/${third.id}`),
      openOperator(gateway, third.value).request('DELETE', `/admin_keys/${made.id}`),
    ])
    expect(both.map(({ status }) => status).toSorted()[0]).toBe(200)
    expect(both.map(({ status }) => status)).not.toEqual([200, 200])
    const survivor = both[0]?.status === 200 ? renewed : openOperator(gateway, third.value)
    expect((await survivor.expectOk('GET', '/admin_keys')).items).toHaveLength(1)
    await survivor.expectOk('POST', '/admin_keys', { name: 'again', value: gateway.adminKey.repeat(2) })
  })
})
