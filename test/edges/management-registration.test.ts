import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tableNames } from '../../src/store/tables.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { chat, chatStatus, type Frontier, openFrontier } from '../setup/frontier.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../setup/gateway.ts'
import { keyOf, labKey, labsConfiguration, openLab } from '../setup/labs.ts'

const unverified = 'Signature verification failed'
const generic = 'key: cannot be registered'

type LabName = 'aurora' | 'borealis'

describe.each(mostDatabases())('registration on $name', ({ create }) => {
  const labs = { aurora: openLab(), borealis: openLab() }
  const answers: string[] = []
  let upstream: FakeUpstream
  let place: TestPlace
  let options: GatewayOptions
  let gateway: Gateway
  let frontiers: Record<LabName, Frontier>
  let groups: Record<LabName, string>

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    options = {
      config: labsConfiguration(upstream.url, labs),
      databaseUrl: place.url,
    }
    gateway = await startGateway(options)
    openFrontiers()
    const groupOf = async (lab: LabName) => {
      await frontiers[lab].createEndpoint(`${lab}/lumen`)
      return frontiers[lab].createGroup({ models: { [`${lab}/lumen`]: [] } })
    }
    groups = { aurora: await groupOf('aurora'), borealis: await groupOf('borealis') }
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  function openFrontiers(): void {
    const frontierOf = (lab: LabName) => openFrontier(gateway, keyOf(lab, 'PERSONAL'))
    frontiers = { aurora: frontierOf('aurora'), borealis: frontierOf('borealis') }
  }

  async function post(
    lab: LabName,
    body: string | Uint8Array<ArrayBuffer>,
    signature?: string,
    group = groups[lab],
  ) {
    const response = await fetch(`${gateway.url}/v1/gateway/groups/${group}/api_keys/register`, {
      method: 'POST',
      headers: {
        authorization: `Api-Key ${keyOf(lab, 'PERSONAL')}`,
        ...(signature !== undefined && { 'x-baseten-signature': signature }),
      },
      body,
    })
    const text = await response.text()
    answers.push(text)
    return { status: response.status, message: JSON.parse(text).message as unknown, text }
  }
  const signed = (lab: LabName, body: string | Uint8Array<ArrayBuffer>) =>
    post(lab, body, labs[lab].sign(body))
  const register = async (lab: LabName, input: object) => signed(lab, JSON.stringify(input))
  const pathOf = (lab: LabName, key: string, group = groups[lab]) =>
    `/groups/${group}/api_keys/${encodeURIComponent(key.slice(0, 16))}`
  const call = (lab: LabName, key: string) => chatStatus(gateway, key, { model: `${lab}/lumen` })

  test('what the path names comes first, then the signature, then what the body says', async () => {
    const body = JSON.stringify({ key: labKey() })
    expect((await post('aurora', body, undefined, 'g_unknown')).status).toBe(404)
    expect((await post('aurora', '{', labs.aurora.sign('{'), 'g_unknown')).status).toBe(404)
    expect((await post('aurora', body, undefined, groups.borealis)).status).toBe(403)
    const deleted = await frontiers.aurora.createGroup({ models: { 'aurora/lumen': [] } })
    await frontiers.aurora.request('DELETE', `/groups/${deleted}`)
    expect((await post('aurora', body, labs.aurora.sign(body), deleted)).status).toBe(404)
    for (const broken of ['', '{', 'null', '{"key":7}', '{"key":"short"}']) {
      expect(await post('aurora', broken)).toMatchObject({ status: 400, message: unverified })
      expect(await post('aurora', broken, labs.borealis.sign(broken))).toMatchObject({
        status: 400,
        message: unverified,
      })
    }
  })

  test('a signed body is judged as any other, and the key by its rules', async () => {
    const good = labKey()
    const broken: [string | Uint8Array<ArrayBuffer>, RegExp][] = [
      ['', /required|expected|invalid/i],
      ['{', /not JSON/],
      ['[]', /./],
      ['null', /./],
      [new Uint8Array([0x7b, 0xff, 0x7d]), /not JSON/],
      ['{}', /^key/],
      [JSON.stringify({ key: 7 }), /^key/],
      [JSON.stringify({ key: null }), /^key/],
      [JSON.stringify({ key: good, name: 'n'.repeat(256) }), /^name/],
      [JSON.stringify({ key: good, name: 7 }), /^name/],
      [JSON.stringify({ key: good.slice(0, 31) }), /^key.*32 to 128/],
      [JSON.stringify({ key: labKey(129) }), /^key.*32 to 128/],
      [JSON.stringify({ key: `${good.slice(0, 40)} ` }), /^key.*printable/],
      [JSON.stringify({ key: `ä${good}` }), /^key.*printable/],
      [JSON.stringify({ key: 'abcdefg'.repeat(5) }), /^key.*entropy/],
    ]
    for (const [body, message] of broken) {
      const answer = await signed('aurora', body)
      expect([answer.status, answer.message]).toEqual([400, expect.stringMatching(message)])
    }
    // None of these has taken its prefix.
    expect(await register('aurora', { key: good, name: null, unknown: true })).toMatchObject({
      status: 200,
      text: '{"ok":true}',
    })
    for (const length of [32, 128])
      expect((await register('aurora', { key: labKey(length) })).status).toBe(200)
    expect((await register('aurora', { key: 'abcdefgh'.repeat(4) })).status).toBe(200)
  })

  test('a signature is of the bytes, not of what they mean', async () => {
    const input = { key: labKey(), name: 'bytes' }
    const [tight, loose] = [JSON.stringify(input), JSON.stringify(input, null, 2)]
    expect((await post('aurora', loose, labs.aurora.sign(tight))).message).toBe(unverified)
    expect((await post('aurora', `${tight}\n`, labs.aurora.sign(tight))).message).toBe(unverified)
    expect((await post('aurora', loose, labs.aurora.sign(loose))).status).toBe(200)
  })

  test('a body above 1 MiB is 413', async () => {
    const body = JSON.stringify({ key: labKey(), padding: ' '.repeat(2 ** 20) })
    expect((await signed('aurora', body)).status).toBe(413)
  })

  test('any 16 characters are a prefix, percent-encoded in the path', async () => {
    const { createGroup, request } = frontiers.aurora
    const group = await createGroup({ models: { 'aurora/lumen': [] } })
    const shown = async (key: string) => {
      const body = JSON.stringify({ key })
      const registered = await post('aurora', body, labs.aurora.sign(body), group)
      expect([registered.status, registered.text]).toEqual([200, '{"ok":true}'])
      const label = { prefix: key.slice(0, 16), name: null }
      const path = pathOf('aurora', key, group)
      expect((await request('GET', path)).body).toEqual(label)
      const { body: listed } = await request('GET', `/groups/${group}/api_keys?limit=1000`)
      expect(listed.items).toContainEqual(label)
      expect(await call('aurora', key)).toBe(200)
      expect((await request('DELETE', path)).body).toEqual({ prefix: label.prefix })
      expect((await request('DELETE', path)).status).toBe(404)
      expect(await call('aurora', key)).toBe(401)
    }
    const awkward = [
      '................',
      '////////////////',
      '%%%%%%%%%%%%%%%%',
      'a/../b/./c//d?e#',
      '%2F%2f%00%2e%2e%',
      '\\..\\..\\"<>`{}|',
      "@:!$&'()*+,;=~-_",
      'sky_............',
    ]
    for (const prefix of awkward) await shown(prefix + labKey())
    const character = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: character, minLength: 16, maxLength: 16 }), (prefix) =>
        shown(prefix + labKey()),
      ),
      { numRuns: isLong ? 15 : 5 },
    )
  })

  test('two workspaces may have keys of one prefix, and each has its own', async () => {
    const prefix = labKey(16)
    const keys = { aurora: prefix + labKey(), borealis: prefix + labKey() }
    for (const lab of ['aurora', 'borealis'] as const) {
      expect((await register(lab, { key: keys[lab], name: lab })).status).toBe(200)
    }
    for (const lab of ['aurora', 'borealis'] as const) {
      expect((await frontiers[lab].request('GET', pathOf(lab, prefix))).body).toEqual({ prefix, name: lab })
      expect(await call(lab, keys[lab])).toBe(200)
    }
    expect(await call('aurora', keys.borealis)).toBe(404)
    await frontiers.borealis.request('DELETE', pathOf('borealis', prefix))
    expect([await call('borealis', keys.borealis), await call('aurora', keys.aurora)]).toEqual([401, 200])
  })

  test('a whole key is of one workspace at a time, and the other learns nothing of it', async () => {
    const key = labKey()
    expect((await register('aurora', { key })).status).toBe(200)
    expect(await register('borealis', { key })).toMatchObject({ status: 400, message: generic })
    expect(await call('aurora', key)).toBe(200)
    await frontiers.aurora.request('DELETE', pathOf('aurora', key))
    expect(await call('aurora', key)).toBe(401)

    expect((await register('borealis', { key })).status).toBe(200)
    expect(await call('borealis', key)).toBe(200)
    // Where it was revoked it stays so.
    expect((await register('aurora', { key })).message).toContain('first 16 characters')
    const restartable = { ...options, dataDirectory: gateway.dataDirectory }
    await gateway.stop()
    gateway = await startGateway(restartable)
    openFrontiers()
    expect([await call('borealis', key), await call('aurora', key)]).toEqual([200, 404])
    await frontiers.borealis.request('DELETE', pathOf('borealis', key))
    expect(await call('borealis', key)).toBe(401)
  })

  test('of two registrations of one key at once, one is made', async () => {
    for (const others of [
      ['aurora', 'aurora'],
      ['aurora', 'borealis'],
    ] as const) {
      const key = labKey()
      const outcomes = await Promise.all(others.map((lab) => register(lab, { key })))
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual([200, 400])
    }
  })

  test('a key that manages does not become one that calls', async () => {
    for (const key of [
      keyOf('aurora', 'WORKSPACE_MANAGE_ALL'),
      keyOf('borealis', 'WORKSPACE_EXPORT_METRICS'),
    ]) {
      expect(await register('aurora', { key })).toMatchObject({ status: 400, message: generic })
      expect(await call('aurora', key)).toBe(401)
    }
  })

  test('a registered key opens no management, counts on its group’s limits, and dies with its group', async () => {
    const { createGroup, mintKey, request } = frontiers.aurora
    const group = await createGroup({ models: { 'aurora/lumen': ['REQUEST/DAY 2'] } })
    const [minted, key] = [await mintKey(group), labKey()]
    const body = JSON.stringify({ key })
    expect((await post('aurora', body, labs.aurora.sign(body), group)).status).toBe(200)
    expect((await openFrontier(gateway, key).request('GET', '/groups')).status).toBe(401)
    expect(await call('aurora', minted)).toBe(200)
    expect(await call('aurora', key)).toBe(200)
    for (const spent of [minted, key]) expect(await call('aurora', spent)).toBe(429)
    const headers = { 'x-api-key': key }
    const asSdk = await chat(gateway, 'none', { model: 'aurora/lumen' }, { scheme: 'Bearer', headers })
    expect(asSdk.status).toBe(429)
    await asSdk.text()
    await request('DELETE', `/groups/${group}`)
    expect(await call('aurora', key)).toBe(401)
    expect((await register('aurora', { key })).message).toContain('first 16 characters')
  })

  // The last: it ends the gateway, and looks at all that it has left.
  test('no answer, log or table holds more of a key than its prefix', async () => {
    const keys = [labKey(), labKey()]
    for (const key of keys) expect((await register('aurora', { key, name: 'secret' })).status).toBe(200)
    expect((await register('aurora', { key: keys[0] })).status).toBe(400)
    expect((await register('borealis', { key: keys[0] })).status).toBe(400)
    for (const key of keys) expect(await call('aurora', key)).toBe(200)
    const audit = await fetch(`${gateway.url}/v1/audit_logs?limit=200`, {
      headers: { authorization: `Api-Key ${keyOf('aurora', 'PERSONAL')}` },
    })
    await gateway.stop()
    const database = await place.open()
    const dump: unknown[] = []
    for (const table of tableNames) dump.push(await database.read.selectFrom(table).selectAll().execute())
    await database.close()
    const seen = JSON.stringify([answers, dump, gateway.log(), gateway.output(), await audit.text()])
    for (const key of keys) {
      expect(seen).toContain(JSON.stringify(key.slice(0, 16)).slice(1, -1))
      expect(seen).not.toContain(JSON.stringify(key.slice(16)).slice(1, -1))
      expect(seen).not.toContain(key.slice(17, 47))
    }
  })
})
