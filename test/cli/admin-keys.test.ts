import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../setup/folders.ts'
import { configurationFor, openFrontier, workspaceKey } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { tollgate } from './run.ts'

const doors = ['/metrics', '/v1/gateway/groups']

async function statusOf(gateway: Gateway, path: string, authorization?: string): Promise<number> {
  const headers = authorization === undefined ? {} : { authorization }
  const response = await fetch(`${gateway.url}${path}`, { headers })
  await response.text()
  return response.status
}

/** A gateway looks for new keys each second; this is no promise of how soon, only that it does. */
async function expectSoon(status: number, ...asked: Parameters<typeof statusOf>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await statusOf(...asked)) === status) return
    await sleep(100)
  }
  expect(await statusOf(...asked)).toBe(status)
}

const basic = (user: string, key: string) => `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`

async function newKey(dataDirectory: string, environment: Record<string, string> = {}): Promise<string> {
  const { code, output, errors } = await tollgate(['admin-key', 'new', '--data', dataDirectory], environment)
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  const [, key = ''] = /^Admin key: (tga_\S+)\n$/.exec(output) ?? []
  return key
}

describe('the key of the first start', () => {
  const dataDirectory = temporaryFolder()
  let gateway: Gateway

  beforeAll(async () => {
    gateway = await startGateway({ dataDirectory })
  })
  afterAll(() => gateway.stop())

  test.each(doors)('opens %s as Bearer, as Api-Key, and as the password of admin', async (path) => {
    const { adminKey } = gateway
    expect(await statusOf(gateway, path, `Bearer ${adminKey}`)).toBe(200)
    expect(await statusOf(gateway, path, `Api-Key ${adminKey}`)).toBe(200)
    expect(await statusOf(gateway, path, basic('admin', adminKey))).toBe(200)
  })

  test.each(doors)('%s stays closed without it, or with another user or key', async (path) => {
    const { adminKey } = gateway
    expect(await statusOf(gateway, path)).toBe(401)
    expect(await statusOf(gateway, path, basic('root', adminKey))).toBe(401)
    expect(await statusOf(gateway, path, `Bearer ${adminKey}x`)).toBe(401)
    expect(await statusOf(gateway, path, 'Bearer')).toBe(401)
  })

  test('is replaced by `admin-key new` while the gateway runs', async () => {
    const { adminKey } = gateway
    const replaced = await newKey(dataDirectory)
    for (const path of doors) {
      await expectSoon(200, gateway, path, `Bearer ${replaced}`)
      await expectSoon(401, gateway, path, `Bearer ${adminKey}`)
    }
  })
})

test('keys of the file and of the flag open everything, and only a new key made without them revokes them', async () => {
  const dataDirectory = temporaryFolder()
  const ofFile = 'admin-key-of-the-file'
  const config = configurationFor('http://127.0.0.1:1', {
    security: { admin_keys: [{ name: 'ops', value: 'env.OPS_KEY' }] },
  })
  const environment = { OPS_KEY: ofFile }
  const start = () => startGateway({ config, dataDirectory, environment })
  let gateway = await start()
  const ofFlag = gateway.adminKey
  expect(gateway.output()).not.toContain('Admin key:')
  for (const key of [ofFile, ofFlag]) {
    for (const path of doors) expect(await statusOf(gateway, path, `Bearer ${key}`)).toBe(200)
  }

  // A workspace's own key manages its groups, and is no operator's.
  expect((await openFrontier(gateway).request('GET', '/groups')).status).toBe(200)
  expect(await statusOf(gateway, '/metrics', `Bearer ${workspaceKey}`)).toBe(401)

  const same = {
    ...environment,
    TOLLGATE_CONFIG: join(dataDirectory, 'tollgate.json'),
    TOLLGATE_ADMIN_KEY: ofFlag,
  }
  const first = await newKey(dataDirectory, same)
  const second = await newKey(dataDirectory, same)
  await expectSoon(200, gateway, '/metrics', `Bearer ${second}`)
  expect(await statusOf(gateway, '/metrics', `Bearer ${first}`)).toBe(401)
  for (const key of [ofFile, ofFlag]) expect(await statusOf(gateway, '/metrics', `Bearer ${key}`)).toBe(200)

  const only = await newKey(dataDirectory)
  await gateway.stop()
  gateway = await start()
  expect(await statusOf(gateway, '/metrics', `Bearer ${only}`)).toBe(200)
  for (const key of [second, ofFile, ofFlag]) {
    expect(await statusOf(gateway, '/metrics', `Bearer ${key}`)).toBe(401)
  }
  await gateway.stop()
  expect(gateway.log()).toContain('"name":"ops","msg":"this admin key was revoked and stays so')
})
