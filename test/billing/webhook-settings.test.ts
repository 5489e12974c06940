import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { WorkspaceId } from '../../src/domain/ids.ts'
import type { Database } from '../../src/store/database.ts'
import { openWorld, type World } from '../published/management-world.ts'
import { mostDatabases } from '../setup/databases.ts'

describe.each(mostDatabases())("the operator's webhooks on $name", ({ open }) => {
  let database: Database
  let world: World
  let key: string
  beforeAll(async () => {
    database = await open()
    world = await openWorld(database)
    key = (await world.tenancy.createAdminKey('test', 'ops')).value
  })
  afterAll(() => world.close())

  const admin = (method: string, path: string, body?: object) =>
    world.call(method, `/api/admin${path}`, { key, scheme: 'Bearer', ...(body && { body }) })
  const webhook = '/workspaces/w/webhook'
  const url = 'https://billing.example/events?token=of-the-url'

  test('a webhook is set, seen, rotated, paused, resumed and deleted; its secret is shown once', async () => {
    expect((await admin('GET', webhook)).status).toBe(404)
    const made = await admin('PUT', webhook, { url })
    expect(made.body).toEqual({
      workspace_id: 'w',
      url,
      paused: false,
      previous_secret_valid_until: null,
      created_at: '2026-11-02T08:15:00Z',
      updated_at: '2026-11-02T08:15:00Z',
      secret: expect.stringMatching(/^whsec_[0-9A-Za-z]{43}$/),
    })
    const { secret: _, ...shown } = made.body
    expect((await admin('GET', webhook)).body).toEqual(shown)

    const moved = await admin('PUT', webhook, { url: 'http://localhost:9000/' })
    expect(moved.body).toMatchObject({
      url: 'http://localhost:9000/',
      secret: null,
      previous_secret_valid_until: null,
    })
    const rotated = await admin('POST', `${webhook}/rotate_secret`)
    expect(rotated.body).toMatchObject({ previous_secret_valid_until: '2026-11-03T08:15:00Z' })
    expect(rotated.body.secret).not.toBe(made.body.secret)
    const brought = await admin('POST', `${webhook}/rotate_secret`, { secret: 'brought along' })
    expect(brought.body.secret).toBeNull()
    expect((await admin('POST', `${webhook}/rotate_secret`, { secret: 'brought along' })).status).toBe(400)

    expect((await admin('POST', `${webhook}/pause`)).body.paused).toBe(true)
    expect((await admin('GET', webhook)).body.paused).toBe(true)
    expect((await admin('POST', `${webhook}/resume`)).body.paused).toBe(false)
    expect((await admin('DELETE', webhook)).status).toBe(200)
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/pause'],
      ['POST', '/rotate_secret'],
    ] as const) {
      expect((await admin(method, webhook + path)).status).toBe(404)
    }

    const rows = await database.read.selectFrom('audit_log').selectAll().orderBy('id').execute()
    expect(
      rows.filter((row) => row.target === 'w' && row.action.startsWith('WEBHOOK')).map((row) => row.action),
    ).toEqual([
      'WEBHOOK_SIGNING_SECRET_CREATED',
      'WEBHOOK_UPDATED',
      'WEBHOOK_SIGNING_SECRET_ROTATED',
      'WEBHOOK_SIGNING_SECRET_ROTATED',
      'WEBHOOK_PAUSED',
      'WEBHOOK_RESUMED',
      'WEBHOOK_SIGNING_SECRET_DELETED',
    ])
    const everything = JSON.stringify([
      rows,
      await database.read.selectFrom('webhooks').selectAll().execute(),
    ])
    for (const hidden of [made.body.secret, rotated.body.secret, 'brought along', 'of-the-url']) {
      expect(everything).not.toContain(hidden)
    }
  })

  test.each([
    [{}, 'url'],
    [{ url: 'billing.example' }, 'url: must be a URL'],
    [{ url: 'http://billing.example/' }, 'url: must be https, or http to localhost'],
    [{ url: 'http://10.0.0.1/' }, 'url: must be https, or http to localhost'],
    [{ url: 'ftp://localhost/' }, 'url: must be https, or http to localhost'],
    [{ url: 'https://user:pass@billing.example/' }, 'url: must not hold credentials'],
    [{ url: 'https://billing.example/#part' }, 'url: must not have a fragment'],
    [{ url: `https://billing.example/${'x'.repeat(2048)}` }, 'url: must have at most 2048 characters'],
    [{ url, secret: '' }, 'secret: must have 1 to 512 characters'],
    [{ url, secret: 'x'.repeat(513) }, 'secret: must have 1 to 512 characters'],
    [{ url, secrets: 'two' }, 'secrets'],
  ])('%j is refused', async (body, message) => {
    const answer = await admin('PUT', '/workspaces/x/webhook', body)
    expect(answer.status).toBe(400)
    expect(answer.body.error.message).toContain(message)
    expect((await admin('GET', '/workspaces/x/webhook')).status).toBe(404)
  })

  test('the file says the same rules of the same thing, and a secret changed there is a rotation', async () => {
    const workspaceId = 'x' as WorkspaceId
    const refused = await world.tenancy.applyWebhooks([
      { workspaceId, url: 'http://billing.example/', secret: 's' },
    ])
    expect(refused).toMatchObject({
      message: 'frontier.workspaces.x.webhook.url: must be https, or http to localhost',
    })
    const apply = (secret: string) => world.tenancy.applyWebhooks([{ workspaceId, url, secret }])
    expect(await apply('first')).toBeNull()
    expect(await apply('first')).toBeNull()
    expect((await admin('GET', '/workspaces/x/webhook')).body.previous_secret_valid_until).toBeNull()
    // What was changed by hand stays until the file says something new.
    await admin('PUT', '/workspaces/x/webhook', { url: 'https://elsewhere.example/' })
    expect(await apply('first')).toBeNull()
    expect((await admin('GET', '/workspaces/x/webhook')).body.url).toBe('https://elsewhere.example/')
    expect(await apply('second')).toBeNull()
    expect((await admin('GET', '/workspaces/x/webhook')).body).toMatchObject({
      url,
      previous_secret_valid_until: '2026-11-03T08:15:00Z',
    })
  })

  test('deliveries and dead letters are listed in pages, of all or of one workspace', async () => {
    const rows = Array.from({ length: 5 }, (_, index) => ({
      id: `d${index}`,
      workspace_id: index < 3 ? 'w' : 'n',
      request_id: `r${index}`,
      state: index % 2 === 0 ? 'dead' : 'delivered',
      created_at: 1000 + index,
      settled_at: 2000 - index,
      events: 1,
      body: '{"type":"API_BILLING_USAGE","data":{"events":[{}]}}',
      signature: 'v1=00',
      attempts: 1,
      last_status: 400,
      problem: 'answered 400',
    }))
    await database.transaction((it) => it.insertInto('deliveries').values(rows).execute())
    const ids = async (path: string) => {
      const found: string[] = []
      for (let cursor = ''; ; ) {
        const { status, body } = await admin('GET', `${path}limit=2${cursor}`)
        expect(status).toBe(200)
        expect(JSON.stringify(body)).not.toContain('API_BILLING_USAGE')
        found.push(...body.items.map((item: { id: string }) => item.id))
        if (!body.pagination.has_more) return found
        cursor = `&cursor=${body.pagination.cursor}`
      }
    }
    expect(await ids('/deliveries?')).toEqual(['d0', 'd1', 'd2', 'd3', 'd4'])
    expect(await ids('/deliveries?workspace_id=w&')).toEqual(['d0', 'd1', 'd2'])
    expect(await ids('/dead-letters?')).toEqual(['d4', 'd2', 'd0'])
    expect(await ids('/dead-letters?workspace_id=w&')).toEqual(['d2', 'd0'])
    expect((await admin('GET', '/dead-letters/d0')).body.body).toBe(rows[0]!.body)
    expect((await admin('GET', '/dead-letters/d1')).status).toBe(404)
    expect((await admin('POST', '/dead-letters/d4/redeliver')).status).toBe(409)
    expect((await admin('POST', '/dead-letters/d1/redeliver')).status).toBe(404)
    expect((await admin('POST', '/dead-letters/redeliver', { workspace_id: 'nobody' })).status).toBe(404)
    expect((await admin('POST', '/dead-letters/redeliver', {})).status).toBe(400)
    await admin('PUT', webhook, { url })
    expect((await admin('POST', '/dead-letters/redeliver', { workspace_id: 'w' })).body).toEqual({
      queued: 2,
      has_more: false,
    })
    expect(await ids('/dead-letters?')).toEqual(['d4'])
    expect((await world.call('GET', '/api/admin/dead-letters')).status, "a workspace's key").toBe(401)
    expect(world.bugs).toEqual([])
  })
})
