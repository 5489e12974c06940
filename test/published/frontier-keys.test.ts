import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { chat, chatStatus, type Frontier, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { keyOf, labKey, labsConfiguration, openLab } from '../setup/labs.ts'

const slug = 'aurora/lumen'
const configure = 'Must configure a public key before registering API keys'
const unverified = 'Signature verification failed'
const registrations = (group: string) => `/v1/gateway/groups/${group}/api_keys/register`

describe.each(mostDatabases())('registered keys on $name', ({ name, create }) => {
  const labs = { aurora: openLab(), borealis: openLab() }
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let aurora: Frontier
  let group: string

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    gateway = await startGateway({
      config: labsConfiguration(upstream.url, labs),
      ...(name === 'Postgres' && { databaseUrl: place.url }),
    })
    aurora = openFrontier(gateway, keyOf('aurora', 'WORKSPACE_MANAGE_ALL'))
    await aurora.createEndpoint(slug)
    group = await aurora.createGroup({ models: { [slug]: [] } })
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  async function register(
    body: string,
    {
      signature,
      key = keyOf('aurora', 'WORKSPACE_MANAGE_ALL'),
      groupId = group,
      headers = {},
    }: Registering = {},
  ) {
    const response = await fetch(gateway.url + registrations(groupId), {
      method: 'POST',
      headers: {
        authorization: `Api-Key ${key}`,
        'content-type': 'application/json',
        ...(signature !== undefined && { 'x-baseten-signature': signature }),
        ...headers,
      },
      body,
    })
    return { status: response.status, body: await response.json() }
  }
  const refusal = (message: unknown) => ({ status: 400, body: { code: 'VALIDATION_ERROR', message } })
  const registerSigned = (input: object) => {
    const body = JSON.stringify(input)
    return register(body, { signature: labs.aurora.sign(body) })
  }

  test('44. Registering needs a public key on file first, then a signature.', async () => {
    const body = JSON.stringify({ key: labKey() })
    // The workspace `default` has none, whatever the signature is.
    const elsewhere = openFrontier(gateway, gateway.adminKey)
    const groupId = await elsewhere.createGroup({ models: { 'default/m': [] } })
    for (const signature of [undefined, labs.aurora.sign(body)]) {
      expect(
        await register(body, { key: gateway.adminKey, groupId, ...(signature && { signature }) }),
      ).toEqual(refusal(configure))
    }

    expect(await register(body)).toEqual(refusal(unverified))
    for (const signature of ['', 'not base64!', labs.borealis.sign(body), labs.aurora.sign(`${body} `)]) {
      expect(await register(body, { signature })).toEqual(refusal(unverified))
    }
    const { body: listed } = await aurora.request('GET', `/groups/${group}/api_keys`)
    expect(listed.items).toEqual([])
  })

  test('45. A key registered with a valid signature is listed under its first 16 characters and works.', async () => {
    const key = labKey()
    expect(await registerSigned({ key, name: 'theirs' })).toEqual({ status: 200, body: { ok: true } })
    const label = { prefix: key.slice(0, 16), name: 'theirs' }
    const { body: listed } = await aurora.request('GET', `/groups/${group}/api_keys`)
    expect(listed.items).toContainEqual(label)
    const path = `/groups/${group}/api_keys/${encodeURIComponent(label.prefix)}`
    expect((await aurora.request('GET', path)).body).toEqual(label)

    for (const scheme of ['Api-Key', 'Bearer']) {
      const answer = await chat(gateway, key, { model: slug }, { scheme })
      expect(answer.status).toBe(200)
      expect(await answer.json()).toMatchObject({ model: slug })
    }
    expect((await aurora.request('DELETE', path)).body).toEqual({ prefix: label.prefix })
    expect(await chatStatus(gateway, key, { model: slug })).toBe(401)
    expect((await aurora.request('GET', path)).status).toBe(404)
  })

  test('46. A second key with the same first 16 characters is 400.', async () => {
    const key = labKey()
    expect((await registerSigned({ key })).status).toBe(200)
    for (const second of [key, key.slice(0, 16) + labKey(), key.slice(0, 40)]) {
      expect(await registerSigned({ key: second })).toEqual(
        refusal(expect.stringContaining('first 16 characters')),
      )
    }
    // Revoked, it is taken all the same, and by minted keys too.
    await aurora.request('DELETE', `/groups/${group}/api_keys/${encodeURIComponent(key.slice(0, 16))}`)
    expect((await registerSigned({ key: key.slice(0, 16) + labKey() })).status).toBe(400)
    const [prefix = ''] = (await aurora.mintKey(group)).split('.')
    expect((await registerSigned({ key: prefix + labKey() })).status).toBe(400)
  })
})

interface Registering {
  readonly signature?: string
  readonly key?: string
  readonly groupId?: string
  readonly headers?: Record<string, string>
}
