import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { chatStatus, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { shareStages } from '../setup/stages.ts'
import { openOperator } from './operator.ts'

describe.each(mostDatabases())('what the file says and what was done by hand, on $name', ({ create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway | null = null
  let dataDirectory: string

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    dataDirectory = temporaryFolder()
  })
  afterAll(async () => {
    await gateway?.stop()
    await upstream.close()
    await place.remove()
  })

  const entry = (id: string, more: object = {}) => ({
    id,
    name: id,
    slug_prefixes: [id],
    domains: [`AI.${id}.example`],
    api_keys: [{ name: 'ci', value: keyOfFile(id), type: 'WORKSPACE_MANAGE_ALL' }],
    secrets: [{ id: 'sec', value: 'sk-of-the-file' }],
    models: [
      { id: 'lumen', environments: { production: { base_url: `${upstream.url}/v1`, model: 'filed' } } },
    ],
    ...more,
  })
  const keyOfFile = (id: string) => `a-key-that-the-file-names-for-${id}`
  /** What the file has, start by start. */
  const workspaces = [
    () => [entry('changed'), entry('deleted'), { id: 'lab', slug_prefixes: ['lab'] }],
    () => [entry('changed'), entry('deleted'), entry('made')],
    () => [
      entry('changed', { name: 'Aurora Labs', secrets: [{ id: 'sec', value: 'sk-renewed' }] }),
      entry('deleted', { name: 'Aurora again' }),
    ],
  ]
  const takePart = shareStages(async (index) => {
    await gateway?.stop()
    const config = {
      network: { origins: { 'https://api.openai.com': upstream.url } },
      frontier: { workspaces: workspaces[index]?.() },
    }
    gateway = await startGateway({ config, databaseUrl: place.url, dataDirectory })
    return { gateway, operator: openOperator(gateway) }
  })
  type Started = Parameters<Parameters<typeof takePart>[0]>[0]
  /** Side by side, each with a workspace of its own, the tests see the gateway start with one file after the other. */
  const throughStarts = (work: (start: Started) => Promise<void>) => () => takePart(work)

  test.concurrent(
    'what the file wrote is seen, and what was changed by hand stays until its entry is another',
    throughStarts(async (start) => {
      let { operator, gateway } = await start(0)
      const shown = await operator.expectOk('GET', '/workspaces/changed')
      expect(shown).toMatchObject({
        name: 'changed',
        slug_prefixes: ['changed'],
        domains: ['ai.changed.example'],
        registration_public_key: null,
        in_file: true,
      })
      const listed = async (below: string) =>
        (await operator.expectOk('GET', `/workspaces/changed${below}`)).items
      expect(await listed('/api_keys')).toMatchObject([{ name: 'ci', in_file: true }])
      expect(await listed('/secrets')).toMatchObject([{ id: 'sec', in_file: true }])
      expect(await listed('/models')).toMatchObject([
        { id: 'lumen', environments: { production: { in_file: true } } },
      ])

      const [{ id: keyId }] = await listed('/api_keys')
      await operator.expectOk('PATCH', '/workspaces/changed', { name: 'By hand' })
      const { value } = await operator.expectOk('POST', `/workspaces/changed/api_keys/${keyId}/rotate`)
      await operator.expectOk('PUT', '/workspaces/changed/models/lumen/environments/production', {
        base_url: `${upstream.url}/v1`,
        model: 'by-hand',
      })
      await operator.expectOk('POST', '/workspaces/changed/secrets', { id: 'mine', value: 'sk-mine' })
      await operator.expectOk('DELETE', '/workspaces/changed/secrets/sec')

      const check = async () => {
        expect((await operator.expectOk('GET', '/workspaces/changed')).name).toBe('By hand')
        expect((await listed('/models'))[0].environments.production).toMatchObject({
          model: 'by-hand',
          in_file: true,
        })
        expect(await listed('/secrets')).toMatchObject([{ id: 'mine', in_file: false }])
        expect((await openFrontier(gateway, value).request('GET', '/groups')).status).toBe(200)
        expect((await openFrontier(gateway, keyOfFile('changed')).request('GET', '/groups')).status).toBe(401)
      }
      await check()
      ;({ operator, gateway } = await start(1))
      await check()

      // Another entry wins over what was done by hand; the entries beside it do not.
      ;({ operator, gateway } = await start(2))
      expect((await operator.expectOk('GET', '/workspaces/changed')).name).toBe('Aurora Labs')
      expect((await listed('/models'))[0].environments.production.model).toBe('by-hand')
      expect((await listed('/secrets')).map(({ id }: { id: string }) => id).sort()).toEqual(['mine', 'sec'])
      expect((await openFrontier(gateway, value).request('GET', '/groups')).status).toBe(200)
    }),
  )

  test.concurrent(
    'what was made by hand becomes the file’s once the file names it',
    throughStarts(async (start) => {
      let { operator, gateway } = await start(0)
      await operator.expectOk('POST', '/workspaces', {
        id: 'made',
        name: 'By hand',
        slug_prefixes: ['by-hand'],
      })
      const made = await operator.expectOk('POST', '/workspaces/made/api_keys', {
        name: 'ci',
        type: 'PERSONAL',
      })
      ;({ operator, gateway } = await start(1))
      expect(await operator.expectOk('GET', '/workspaces/made')).toMatchObject({
        name: 'made',
        slug_prefixes: ['made'],
        in_file: true,
      })
      expect((await operator.expectOk('GET', '/workspaces/made/api_keys')).items).toMatchObject([
        { id: made.id, name: 'ci', type: 'WORKSPACE_MANAGE_ALL', in_file: true },
      ])
      expect((await openFrontier(gateway, made.value).request('GET', '/groups')).status).toBe(401)
      expect((await openFrontier(gateway, keyOfFile('made')).request('GET', '/groups')).status).toBe(200)
    }),
  )

  test.concurrent(
    'a workspace that was deleted by hand stays so until its entry is another, then all of it is back',
    throughStarts(async (start) => {
      let { operator, gateway } = await start(0)
      await operator.expectOk('DELETE', '/workspaces/deleted')
      ;({ operator, gateway } = await start(1))
      expect((await operator.request('GET', '/workspaces/deleted')).status).toBe(404)
      expect((await openFrontier(gateway, keyOfFile('deleted')).request('GET', '/groups')).status).toBe(401)

      const again = await start(2)
      expect(await again.operator.expectOk('GET', '/workspaces/deleted')).toMatchObject({
        name: 'Aurora again',
        slug_prefixes: ['deleted'],
      })
      const frontier = openFrontier(again.gateway, keyOfFile('deleted'))
      await frontier.createEndpoint('deleted/lumen')
      await frontier.createEndpoint('deleted/gpt', {
        provider: 'OPENAI',
        target_model: 'gpt',
        secret_id: 'sec',
      })
      const key = await frontier.mintKey(
        await frontier.createGroup({ models: { 'deleted/lumen': [], 'deleted/gpt': [] } }),
      )
      expect(await chatStatus(again.gateway, key, { model: 'deleted/lumen' })).toBe(200)
      expect(upstream.requests.at(-1)?.json?.model).toBe('filed')
      expect(await chatStatus(again.gateway, key, { model: 'deleted/gpt' })).toBe(200)
      expect(upstream.requests.at(-1)?.headers.authorization).toBe('Bearer sk-of-the-file')
    }),
  )

  test.concurrent(
    'an address that came by hand is called only where the network settings have it',
    throughStarts(async (start) => {
      const { gateway: running, operator } = await start(0)
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
    }),
  )
})
