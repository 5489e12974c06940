import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { chatStatus, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway, temporaryFolder } from '../setup/gateway.ts'
import { openOperator } from './operator.ts'

describe.each(mostDatabases())('what the file says and what was done by hand, on $name', ({ create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway | null = null
  let dataDirectory: string

  beforeEach(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    dataDirectory = temporaryFolder()
  })
  afterEach(async () => {
    await gateway?.stop()
    gateway = null
    await upstream.close()
    await place.remove()
  })

  const keyOfFile = 'a-key-that-the-file-names'
  const entry = (more: object = {}) => ({
    id: 'aurora',
    name: 'Aurora',
    slug_prefixes: ['aurora'],
    domains: ['AI.aurora.example'],
    api_keys: [{ name: 'ci', value: keyOfFile, type: 'WORKSPACE_MANAGE_ALL' }],
    secrets: [{ id: 'sec', value: 'sk-of-the-file' }],
    models: [
      { id: 'lumen', environments: { production: { base_url: `${upstream.url}/v1`, model: 'filed' } } },
    ],
    ...more,
  })
  const start = async (workspace: object) => {
    await gateway?.stop()
    const config = {
      network: { origins: { 'https://api.openai.com': upstream.url } },
      frontier: { workspaces: [workspace] },
    }
    gateway = await startGateway({ config, databaseUrl: place.url, dataDirectory })
    return { gateway, operator: openOperator(gateway) }
  }

  test('what the file wrote is seen, and what was changed by hand stays until its entry is another', async () => {
    let { operator } = await start(entry())
    const shown = await operator.expectOk('GET', '/workspaces/aurora')
    expect(shown).toMatchObject({
      name: 'Aurora',
      slug_prefixes: ['aurora'],
      domains: ['ai.aurora.example'],
      registration_public_key: null,
      in_file: true,
    })
    const listed = async (below: string) =>
      (await operator.expectOk('GET', `/workspaces/aurora${below}`)).items
    expect(await listed('/api_keys')).toMatchObject([{ name: 'ci', in_file: true }])
    expect(await listed('/secrets')).toMatchObject([{ id: 'sec', in_file: true }])
    expect(await listed('/models')).toMatchObject([
      { id: 'lumen', environments: { production: { in_file: true } } },
    ])

    const [{ id: keyId }] = await listed('/api_keys')
    await operator.expectOk('PATCH', '/workspaces/aurora', { name: 'By hand' })
    const { value } = await operator.expectOk('POST', `/workspaces/aurora/api_keys/${keyId}/rotate`)
    await operator.expectOk('PUT', '/workspaces/aurora/models/lumen/environments/production', {
      base_url: `${upstream.url}/v1`,
      model: 'by-hand',
    })
    await operator.expectOk('POST', '/workspaces/aurora/secrets', { id: 'mine', value: 'sk-mine' })
    await operator.expectOk('DELETE', '/workspaces/aurora/secrets/sec')

    const check = async () => {
      expect((await operator.expectOk('GET', '/workspaces/aurora')).name).toBe('By hand')
      expect((await listed('/models'))[0].environments.production).toMatchObject({
        model: 'by-hand',
        in_file: true,
      })
      expect(await listed('/secrets')).toMatchObject([{ id: 'mine', in_file: false }])
      if (gateway === null) throw new Error('no gateway')
      expect((await openFrontier(gateway, value).request('GET', '/groups')).status).toBe(200)
      expect((await openFrontier(gateway, keyOfFile).request('GET', '/groups')).status).toBe(401)
    }
    await check()
    ;({ operator } = await start(entry()))
    await check()

    // Another entry wins over what was done by hand; the entries beside it do not.
    ;({ operator } = await start(
      entry({ name: 'Aurora Labs', secrets: [{ id: 'sec', value: 'sk-renewed' }] }),
    ))
    expect((await operator.expectOk('GET', '/workspaces/aurora')).name).toBe('Aurora Labs')
    expect((await listed('/models'))[0].environments.production.model).toBe('by-hand')
    expect((await listed('/secrets')).map(({ id }: { id: string }) => id).sort()).toEqual(['mine', 'sec'])
    if (gateway === null) throw new Error('no gateway')
    expect((await openFrontier(gateway, value).request('GET', '/groups')).status).toBe(200)
  })

  test('what was made by hand becomes the file’s once the file names it', async () => {
    let { operator } = await start({ id: 'other' })
    await operator.expectOk('POST', '/workspaces', {
      id: 'aurora',
      name: 'By hand',
      slug_prefixes: ['by-hand'],
    })
    const made = await operator.expectOk('POST', '/workspaces/aurora/api_keys', {
      name: 'ci',
      type: 'PERSONAL',
    })
    ;({ operator } = await start(entry()))
    expect(await operator.expectOk('GET', '/workspaces/aurora')).toMatchObject({
      name: 'Aurora',
      slug_prefixes: ['aurora'],
      in_file: true,
    })
    expect((await operator.expectOk('GET', '/workspaces/aurora/api_keys')).items).toMatchObject([
      { id: made.id, name: 'ci', type: 'WORKSPACE_MANAGE_ALL', in_file: true },
    ])
    if (gateway === null) throw new Error('no gateway')
    expect((await openFrontier(gateway, made.value).request('GET', '/groups')).status).toBe(401)
    expect((await openFrontier(gateway, keyOfFile).request('GET', '/groups')).status).toBe(200)
  })

  test('a workspace that was deleted by hand stays so until its entry is another, then all of it is back', async () => {
    let { operator } = await start(entry())
    await operator.expectOk('DELETE', '/workspaces/aurora')
    ;({ operator } = await start(entry()))
    expect((await operator.request('GET', '/workspaces/aurora')).status).toBe(404)
    if (gateway === null) throw new Error('no gateway')
    expect((await openFrontier(gateway, keyOfFile).request('GET', '/groups')).status).toBe(401)

    const again = await start(entry({ name: 'Aurora again' }))
    expect(await again.operator.expectOk('GET', '/workspaces/aurora')).toMatchObject({
      name: 'Aurora again',
      slug_prefixes: ['aurora'],
    })
    const frontier = openFrontier(again.gateway, keyOfFile)
    await frontier.createEndpoint('aurora/lumen')
    await frontier.createEndpoint('aurora/gpt', { provider: 'OPENAI', target_model: 'gpt', secret_id: 'sec' })
    const key = await frontier.mintKey(
      await frontier.createGroup({ models: { 'aurora/lumen': [], 'aurora/gpt': [] } }),
    )
    expect(await chatStatus(again.gateway, key, { model: 'aurora/lumen' })).toBe(200)
    expect(upstream.requests.at(-1)?.json?.model).toBe('filed')
    expect(await chatStatus(again.gateway, key, { model: 'aurora/gpt' })).toBe(200)
    expect(upstream.requests.at(-1)?.headers.authorization).toBe('Bearer sk-of-the-file')
  })

  test('an address that came by hand is called only where the network settings have it', async () => {
    const { gateway: running, operator } = await start({ id: 'lab', slug_prefixes: ['lab'] })
    const elsewhere = await startFakeUpstream()
    const { value } = await operator.expectOk('POST', '/workspaces/lab/api_keys', { name: 'ci' })
    await operator.expectOk('POST', '/workspaces/lab/models', {
      id: 'm',
      environments: { production: { base_url: `${elsewhere.url}/v1` } },
    })
    const frontier = openFrontier(running, value)
    await frontier.createEndpoint('lab/m', { provider: 'BASETEN', model_id: 'm' })
    const key = await frontier.mintKey(await frontier.createGroup({ models: { 'lab/m': [] } }))
    expect(await chatStatus(running, key, { model: 'lab/m' })).toBe(502)
    expect(elsewhere.requests).toEqual([])
    await elsewhere.close()
  })
})
