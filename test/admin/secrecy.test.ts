import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { chatStatus, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { openOperator } from './operator.ts'

const canary = (name: string) => `canary-${name}-0123456789abcdef`

/** Every value that must not be seen again, and who was sent it. */
const canaries = {
  secret: canary('secret'),
  rotatedSecret: canary('rotated-secret'),
  apiKey: canary('api-key'),
  replacedApiKey: canary('replaced-api-key'),
  workspaceKey: canary('workspace-key'),
  rotatedWorkspaceKey: canary('rotated-workspace-key'),
  adminKey: canary('admin-key'),
  rotatedAdminKey: canary('rotated-admin-key'),
  refused: canary('refused'),
  ofFile: canary('of-the-file'),
}

/** All bytes of a directory's files, as text that finds ASCII. */
function bytesOf(directory: string): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((it) => it.isFile())
  const kept = files.filter(({ name }) => name !== 'tollgate.json')
  return kept.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('\n')
}

describe.each(mostDatabases())('secrets handed to the operator’s API on $name', ({ name, create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    const config = {
      network: { allow_private: ['127.0.0.0/8'], origins: { 'https://api.openai.com': upstream.url } },
      frontier: { workspaces: [{ id: 'filed', secrets: [{ id: 'sec', value: canaries.ofFile }] }] },
    }
    gateway = await startGateway({
      config,
      ...(name === 'Postgres' && { databaseUrl: place.url }),
    })
  })
  afterAll(async () => {
    await upstream.close()
    await place.remove()
  })

  test('stand in no answer, no log, no audit row and no database, and still do their work', async () => {
    const operator = openOperator(gateway)
    const told: string[] = []
    const ask = async (method: string, path: string, body?: unknown) => {
      const answered = await operator.request(method, path, body)
      told.push(`${method} ${path}: ${answered.status} ${JSON.stringify(answered.body)}`)
      return answered
    }
    const shown: string[] = []
    const once = async (method: string, path: string, body?: unknown) => {
      const { value, ...rest } = await operator.expectOk(method, path, body)
      shown.push(value)
      told.push(JSON.stringify(rest))
      return { value, ...rest }
    }
    const base = '/workspaces/lab'
    await ask('POST', '/workspaces', { id: 'lab', slug_prefixes: ['lab'] })
    await ask('POST', `${base}/secrets`, { id: 'sec', value: canaries.secret })
    await ask('POST', `${base}/secrets/sec/rotate`, { value: canaries.rotatedSecret })
    const production = { base_url: `${upstream.url}/v1`, api_key: canaries.apiKey }
    await ask('POST', `${base}/models`, { id: 'm', environments: { production } })
    const key = await ask('POST', `${base}/api_keys`, { name: 'brought', value: canaries.workspaceKey })
    await ask('POST', `${base}/api_keys/${key.body.id}/rotate`, { value: canaries.rotatedWorkspaceKey })
    const admin = await ask('POST', '/admin_keys', { name: 'brought', value: canaries.adminKey })
    await ask('POST', `/admin_keys/${admin.body.id}/rotate`, { value: canaries.rotatedAdminKey })
    const minted = await once('POST', `${base}/api_keys`, { name: 'made' })
    await once('POST', `${base}/api_keys/${minted.id}/rotate`)
    const mintedAdmin = await once('POST', '/admin_keys', { name: 'made' })
    await once('POST', `/admin_keys/${mintedAdmin.id}/rotate`)

    // They work: calls carry them, and their holders come in.
    const frontier = openFrontier(gateway, canaries.rotatedWorkspaceKey)
    await frontier.createEndpoint('lab/m', { provider: 'BASETEN', model_id: 'm' })
    await frontier.createEndpoint('lab/gpt', { provider: 'OPENAI', target_model: 'gpt', secret_id: 'sec' })
    const groupId = await frontier.createGroup({ models: { 'lab/m': [], 'lab/gpt': [] } })
    const federated = await frontier.mintKey(groupId)
    shown.push(federated)
    for (const [model, sent] of [
      ['lab/m', canaries.apiKey],
      ['lab/gpt', canaries.rotatedSecret],
    ] as const) {
      expect(await chatStatus(gateway, federated, { model })).toBe(200)
      expect(upstream.requests.at(-1)?.headers.authorization).toBe(`Bearer ${sent}`)
    }
    expect((await openOperator(gateway, canaries.rotatedAdminKey).request('GET', '/admin_keys')).status).toBe(
      200,
    )

    // Every way to be refused with a value in the hand.
    const value = canaries.refused
    const environment = { base_url: `https://user:${value}@models.example/v1`, api_key: `${value}\n` }
    for (const [method, path, body] of [
      ['POST', `${base}/secrets`, { id: 'sec', value }],
      ['POST', `${base}/secrets`, { id: '', value }],
      ['POST', `${base}/secrets`, { id: value.repeat(20), value: '' }],
      ['POST', `${base}/secrets/nowhere/rotate`, { value }],
      ['POST', `${base}/secrets/sec/rotate`, { value: [value] }],
      ['POST', '/workspaces/nowhere/secrets', { id: 'x', value }],
      ['POST', `${base}/api_keys`, { name: 'brought', value }],
      ['POST', `${base}/api_keys`, { name: 'x', value: `${value} with a space` }],
      ['POST', `${base}/api_keys`, { name: 'x', value: canaries.rotatedAdminKey }],
      ['POST', `${base}/api_keys/nobody/rotate`, { value }],
      ['POST', `${base}/models`, { id: 'm', environments: { production } }],
      ['POST', `${base}/models`, { id: 'n', environments: { production: environment } }],
      ['PUT', `${base}/models/m/environments/production`, environment],
      ['PUT', `${base}/models/m`, { environments: { production: { api_key: value } } }],
      ['POST', '/admin_keys', { name: 'brought', value }],
      ['POST', '/admin_keys', { name: 'x', value: canaries.rotatedWorkspaceKey }],
      ['POST', '/admin_keys', { name: 'x', value: federated }],
      ['POST', '/admin_keys', `{"name": "x", "value": "${value}"`],
    ] as const) {
      const { status } = await ask(method, path, body)
      expect([method, path, status >= 400 && status < 500]).toEqual([method, path, true])
    }
    await ask('PUT', `${base}/models/m/environments/production`, {
      base_url: `${upstream.url}/v1`,
      api_key: canaries.replacedApiKey,
    })
    for (const path of ['/workspaces', base, `${base}/api_keys`, `${base}/secrets`, `${base}/models`])
      await ask('GET', path)
    for (const path of [`${base}/models/m`, '/admin_keys', '/workspaces/filed/secrets'])
      await ask('GET', path)
    await ask('GET', `/explain?prefix=${federated.slice(0, 16)}&model=lab/m`)
    await ask('DELETE', `${base}/secrets/sec`)
    await ask('DELETE', `${base}/models/m`)
    await ask('DELETE', `${base}/api_keys/${key.body.id}`)

    const database = await place.open()
    const rows =
      name === 'Postgres'
        ? await Promise.all(
            (
              [
                'audit_log',
                'secrets',
                'model_environments',
                'workspace_keys',
                'admin_keys',
                'keys',
                'settings',
              ] as const
            ).map((table) => database.read.selectFrom(table).selectAll().execute()),
          )
        : []
    await database.close()
    await gateway.stop()
    const everything = {
      answers: told.join('\n'),
      output: gateway.output(),
      log: gateway.log(),
      files: bytesOf(gateway.dataDirectory),
      rows: JSON.stringify(rows),
    }
    // What a value of ours would look like there is seen: ids and names are.
    expect(name === 'Postgres' ? everything.rows : everything.files).toContain('WORKSPACE_SECRET_ROTATED')
    for (const [where, text] of Object.entries(everything)) {
      for (const [whose, secret] of Object.entries(canaries))
        expect([where, whose, text.includes(secret)]).toEqual([where, whose, false])
      for (const secret of shown) {
        const hidden = secret.includes('.') ? secret.slice(secret.indexOf('.') + 1) : secret
        expect([where, hidden, text.includes(hidden)]).toEqual([where, hidden, false])
      }
    }
  })
})
