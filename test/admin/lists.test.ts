import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { type OperatorDoor, openOperator } from './operator.ts'

describe.each(mostDatabases())('lists and the audit log of the operator’s API on $name', ({ create }) => {
  let place: TestPlace
  let gateway: Gateway
  let operator: OperatorDoor

  beforeAll(async () => {
    place = await create()
    gateway = await startGateway({ config: {}, databaseUrl: place.url })
    operator = openOperator(gateway)
    await operator.expectOk('POST', '/workspaces', { id: 'lab', slug_prefixes: ['lab'] })
  })
  afterAll(async () => {
    await gateway.stop()
    await place.remove()
  })

  const names = ['e', 'a', 'd', 'b', 'c']
  const environments = { production: { base_url: 'https://models.example/v1' } }
  const lists: readonly [path: string, wish: (name: string) => object, order: 'made' | 'sorted'][] = [
    ['/workspaces', (id) => ({ id: `more-${id}` }), 'made'],
    ['/workspaces/lab/api_keys', (name) => ({ name }), 'made'],
    ['/workspaces/lab/secrets', (id) => ({ id, value: 'v' }), 'made'],
    ['/workspaces/lab/models', (id) => ({ id, environments }), 'sorted'],
    ['/admin_keys', (name) => ({ name }), 'made'],
  ]

  test.each(lists)(
    '%s pages, and what comes or goes meanwhile makes no item twice or missing',
    async (path, wish, order) => {
      for (const name of names) await operator.expectOk('POST', path, wish(name))
      const labelOf = ({ id, name }: { id: string; name?: string }) =>
        path.endsWith('keys') ? (name ?? '') : id
      const seen: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page: { items: { id: string }[]; pagination: { has_more: boolean; cursor: string | null } } =
          await operator.expectOk('GET', `${path}?limit=2${more}`)
        expect(page.items.length).toBeLessThanOrEqual(2)
        expect(page.pagination.has_more).toBe(page.pagination.cursor !== null)
        seen.push(...page.items.map(labelOf))
        cursor = page.pagination.cursor
      }
      const own = seen.filter((label) => names.some((name) => label === name || label === `more-${name}`))
      const expected = names.map((name) => (path === '/workspaces' ? `more-${name}` : name))
      expect(own).toEqual(order === 'sorted' ? expected.toSorted() : expected)
      expect(new Set(seen).size).toBe(seen.length)

      const { pagination } = await operator.expectOk('GET', `${path}?limit=1`)
      for (const [other] of lists) {
        const answered = await operator.request(
          'GET',
          `${other}?cursor=${encodeURIComponent(pagination.cursor)}`,
        )
        expect([other, answered.status]).toEqual([other, other === path ? 200 : 400])
      }
      expect((await operator.request('GET', `${path}?limit=0`)).status).toBe(400)
      expect((await operator.request('GET', `${path}?colour=blue`)).status).toBe(200)
    },
  )

  test('every write leaves a row of who did what to what', async () => {
    const { value } = await operator.expectOk('POST', '/workspaces/lab/api_keys', { name: 'auditor' })
    const path = '/workspaces/lab'
    await operator.expectOk('PATCH', path, { name: 'Lab' })
    await operator.expectOk('POST', `${path}/domains`, { domain: 'ai.lab.example' })
    await operator.expectOk('POST', `${path}/secrets/a/rotate`, { value: 'w' })
    await operator.expectOk('DELETE', `${path}/secrets/a`)
    await operator.expectOk('PUT', `${path}/models/a/environments/canary`, environments.production)
    await operator.expectOk('DELETE', `${path}/models/a`)
    const refused = await operator.request('DELETE', `${path}/models/a`)
    expect(refused.status).toBe(404)
    const response = await fetch(`${gateway.url}/v1/audit_logs?limit=7`, {
      headers: { authorization: `Api-Key ${value}` },
    })
    const { items } = (await response.json()) as { items: { event_data: object; actor: object }[] }
    expect(items.map(({ event_data }) => event_data)).toEqual([
      {
        event_type: 'WORKSPACE_MODEL_DELETED',
        model_id: 'a',
        environments: [],
        gone: ['canary', 'production'],
      },
      { event_type: 'WORKSPACE_MODEL_REPLACED', model_id: 'a', environments: ['canary'], gone: [] },
      { event_type: 'WORKSPACE_SECRET_DELETED', secret_id: 'a' },
      { event_type: 'WORKSPACE_SECRET_ROTATED', secret_id: 'a' },
      { event_type: 'WORKSPACE_DOMAIN_ATTACHED', workspace_id: 'lab', domain: 'ai.lab.example' },
      { event_type: 'WORKSPACE_UPDATED', workspace_id: 'lab', changed: ['name'] },
      {
        event_type: 'WORKSPACE_API_KEY_CREATED',
        workspace_api_key_id: expect.stringMatching(/^wk_/),
        name: 'auditor',
        type: 'WORKSPACE_MANAGE_ALL',
      },
    ])
    const [{ id }] = (await operator.expectOk('GET', '/admin_keys?limit=1')).items
    for (const { actor } of items) expect(actor).toMatchObject({ type: 'API_KEY', id })
    expect((await openFrontier(gateway, value).request('GET', '/groups')).status).toBe(200)
  })
})
