import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadSettings } from '../../src/config/settings.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { type Gateway, GatewayDidNotStart, startGateway } from '../setup/gateway.ts'
import { type OperatorDoor, openOperator, refusal } from './operator.ts'

const file = join(temporaryFolder(), 'two-doors.json')

/** What the file's door says of a file: path and message of its only fault. */
function faultOf(config: object): { path: string; message: string } {
  writeFileSync(file, JSON.stringify(config))
  const loaded = loadSettings({ config: file }, {})
  const faults = 'faults' in loaded ? loaded.faults : []
  if (faults.length !== 1) throw new Error(`one fault was expected, not ${JSON.stringify(faults)}`)
  const [{ path, message } = { path: '', message: '' }] = faults
  return { path, message }
}

const long = 'x'.repeat(256)
const baseUrl = 'https://models.example.com/v1'
const environment = (members: object) => ({ base_url: baseUrl, ...members })

/** Each bad value: where it stands in a workspace of the file, what the API is sent, and the path of the member. */
interface Case {
  readonly section: object
  readonly sent: readonly [method: string, path: string, body: object]
  readonly inFile: string
  readonly inBody: string
}

function ofWorkspace(member: string, value: unknown, inBody = member): Case {
  return {
    section: { [member]: value },
    sent: ['POST', '/workspaces', { id: 'fresh', [member]: value }],
    inFile: inBody,
    inBody,
  }
}

function ofKey(members: object, inBody: string): Case {
  const key = { name: 'ci', type: 'PERSONAL', value: 'a-key-of-the-lab', ...members }
  return {
    section: { api_keys: [key] },
    sent: ['POST', '/workspaces/aurora/api_keys', key],
    inFile: `api_keys.0.${inBody}`,
    inBody,
  }
}

function ofSecret(members: object, inBody: string): Case {
  const secret = { id: 'sec', value: 'a-credential', ...members }
  return {
    section: { secrets: [secret] },
    sent: ['POST', '/workspaces/aurora/secrets', secret],
    inFile: `secrets.0.${inBody}`,
    inBody,
  }
}

function ofModel(members: object, inBody: string): Case {
  const model = { id: 'q7w3zkd', environments: { production: environment({}) }, ...members }
  return {
    section: { models: [model] },
    sent: ['POST', '/workspaces/aurora/models', model],
    inFile: `models.0.${inBody}`,
    inBody,
  }
}

function ofEnvironment(members: object, member: string): Case {
  const made = ofModel({ environments: { canary: environment(members) } }, `environments.canary.${member}`)
  return {
    ...made,
    sent: ['PUT', '/workspaces/aurora/models/q7w3zkd/environments/canary', environment(members)],
    inBody: member,
  }
}

const cases: readonly (readonly [string, Case])[] = [
  ...['Aurora', '', '-a', 'a b', 'a'.repeat(64), 7].map((id) => [`id ${id}`, ofWorkspace('id', id)] as const),
  ...['', long, 'a\0b', 3].map(
    (name) => [`name ${JSON.stringify(name).slice(0, 12)}`, ofWorkspace('name', name)] as const,
  ),
  ['onboarded as text', ofWorkspace('onboarded', 'yes')],
  ['prefixes that are no list', ofWorkspace('slug_prefixes', 'aurora')],
  ...['a/b', '', '.a', 'a b', 'ä', 'a'.repeat(201), null].map(
    (prefix) =>
      [`prefix ${prefix}`, ofWorkspace('slug_prefixes', ['fine', prefix], 'slug_prefixes.1')] as const,
  ),
  ...[
    '',
    'localhost',
    '127.0.0.1',
    'ai.example.com:443',
    'ai.example.com.',
    'https://ai.example.com',
    '-ai.example.com',
    'ai_1.example.com',
    'a..example.com',
    `${'a'.repeat(64)}.example.com`,
    `${'a.'.repeat(126)}example`,
    'ai.example.com/',
    'bücher.example',
    '[::1]',
  ].map(
    (domain) => [`domain ${domain.slice(0, 30)}`, ofWorkspace('domains', [domain], 'domains.0')] as const,
  ),
  ...['', 'AAAA', Buffer.alloc(33, 7).toString('base64'), 'not base64!', 5].map(
    (key) => [`public key ${key}`, ofWorkspace('registration_public_key', key)] as const,
  ),
  ['an unknown member', ofWorkspace('slug_prefix', 'aurora')],
  ['a key without a name', ofKey({ name: undefined }, 'name')],
  ['a key with an empty name', ofKey({ name: '' }, 'name')],
  ['a key of no type', ofKey({ type: 'ADMIN' }, 'type')],
  ...['', 'with a space', 'naïve', 'x'.repeat(513), 1].map(
    (value) => [`a key's value ${String(value).slice(0, 12)}`, ofKey({ value }, 'value')] as const,
  ),
  ['a key with another member', ofKey({ scope: 'all' }, 'scope')],
  ['a secret without an id', ofSecret({ id: undefined }, 'id')],
  ['a secret with too long an id', ofSecret({ id: long }, 'id')],
  ['a secret without a value', ofSecret({ value: undefined }, 'value')],
  ['a secret with an empty value', ofSecret({ value: '' }, 'value')],
  ['a secret that is too long', ofSecret({ value: 'x'.repeat(65_537) }, 'value')],
  ['a model without an id', ofModel({ id: undefined }, 'id')],
  ['a model with NUL in its id', ofModel({ id: 'a\0' }, 'id')],
  ['a model without environments', ofModel({ environments: undefined }, 'environments')],
  ['a model with no environment', ofModel({ environments: {} }, 'environments')],
  ['an environment without a name', ofModel({ environments: { '': environment({}) } }, 'environments.')],
  ...[
    undefined,
    '',
    'models.example.com/v1',
    'ftp://models.example.com/v1',
    'https://user:password@models.example.com/v1',
    'https://models.example.com/v1?key=1',
    'https://models.example.com/v1#top',
    'https://',
    'http://models.example.com:70000/v1',
    ` ${baseUrl}`,
    `https://models.example.com/${'a'.repeat(2048)}`,
    9,
  ].map(
    (base_url) =>
      [`base_url ${String(base_url).slice(0, 45)}`, ofEnvironment({ base_url }, 'base_url')] as const,
  ),
  ['an empty model', ofEnvironment({ model: '' }, 'model')],
  ['an api_key that is no header', ofEnvironment({ api_key: 'two\nlines' }, 'api_key')],
  ['an empty api_key', ofEnvironment({ api_key: '' }, 'api_key')],
  ['a region that is no text', ofEnvironment({ region: ['EU'] }, 'region')],
  ['an environment with another member', ofEnvironment({ url: baseUrl }, 'url')],
]

describe.each(mostDatabases())('the file and the API judge alike on $name', ({ create }) => {
  let place: TestPlace
  let gateway: Gateway
  let operator: OperatorDoor

  beforeAll(async () => {
    place = await create()
    const config = {
      frontier: { workspaces: [{ id: 'aurora', slug_prefixes: ['aurora'], domains: ['ai.aurora.example'] }] },
    }
    gateway = await startGateway({ config, databaseUrl: place.url })
    operator = openOperator(gateway)
  })
  afterAll(async () => {
    await gateway.stop()
    await place.remove()
  })

  test.each(cases)('%s', async (_name, { section, sent, inFile, inBody }) => {
    const fault = faultOf({ frontier: { workspaces: [{ id: 'aurora', ...section }] } })
    const answered = await operator.request(...sent)
    expect(fault.path).toBe(`frontier.workspaces.0.${inFile}`)
    expect(answered.status).toBe(400)
    if (fault.message.startsWith('is not a setting')) {
      expect(answered.body.error.message).toMatch(new RegExp(`^${inBody}: is not a setting; known here are `))
    } else expect(answered.body).toEqual(refusal(400, `${inBody}: ${fault.message}`))
  })

  test.each(['short', 'with a space in it', 'x'.repeat(513), 4])(
    'the value %s of an admin key',
    async (value) => {
      const fault = faultOf({ security: { admin_keys: [{ name: 'ops', value }] } })
      expect(fault.path).toBe('security.admin_keys.0.value')
      const answered = await operator.request('POST', '/admin_keys', { name: 'ops', value })
      expect(answered.body).toEqual(refusal(400, `value: ${fault.message}`))
    },
  )

  test('what stands twice in a list', async () => {
    for (const [member, names] of [
      ['slug_prefixes', ['a', 'b', 'a']],
      ['domains', ['a.example', 'b.example', 'A.example']],
    ] as const) {
      const fault = faultOf({ frontier: { workspaces: [{ id: 'aurora', [member]: names }] } })
      expect(fault).toEqual({
        path: `frontier.workspaces.0.${member}.2`,
        message: `must differ from frontier.workspaces.0.${member}.0`,
      })
      const answered = await operator.request('PATCH', '/workspaces/aurora', { [member]: names })
      expect(answered.body).toEqual(refusal(400, `${member}.2: must differ from ${member}.0`))
    }
  })

  test('the workspace that is always there stays on board', async () => {
    const fault = faultOf({ frontier: { workspaces: [{ id: 'default', onboarded: false }] } })
    expect(fault.path).toBe('frontier.workspaces.0.onboarded')
    const answered = await operator.request('PATCH', '/workspaces/default', { onboarded: false })
    expect(answered.body).toEqual(refusal(400, `onboarded: ${fault.message}`))
  })

  test('a change is judged as a creation is', async () => {
    const { request } = operator
    for (const [member, value] of [
      ['name', ''],
      ['onboarded', 1],
      ['slug_prefixes', ['a/b']],
      ['domains', ['localhost']],
      ['slug_prefix', 'a'],
    ] as const) {
      const created = await request('POST', '/workspaces', { id: 'fresh', [member]: value })
      const changed = await request('PATCH', '/workspaces/aurora', { [member]: value })
      const [message = ''] = created.body.error.message.split('; known here')
      expect(changed.body.error.message).toContain(message)
      expect([created.status, changed.status]).toEqual([400, 400])
    }
    const empty = await request('PATCH', '/workspaces/aurora', {})
    expect(empty.body).toEqual(refusal(400, '(the body): must have at least one member to change'))
    const noKey = await request('PATCH', '/workspaces/aurora', { registration_public_key: 'AAAA' })
    expect(noKey.body.error.message).toMatch(/^registration_public_key: must be an Ed25519 .*, or null$/)
  })

  test('a prefix or a domain of another workspace', async () => {
    const names = [
      ['slug_prefixes', 'aurora'],
      ['domains', 'ai.aurora.example'],
    ] as const
    const messageOf = (member: string, name: string) => `${member}: ${name} belongs to workspace aurora`
    for (const [member, name] of names) {
      const answered = await operator.request('POST', '/workspaces', { id: 'thief', [member]: [name] })
      expect(answered.body).toEqual(refusal(409, messageOf(member, name)))
    }
    await gateway.stop()
    for (const [member, name] of names) {
      const config = { frontier: { workspaces: [{ id: 'thief', [member]: [name] }] } }
      const start = startGateway({ config, databaseUrl: place.url, dataDirectory: gateway.dataDirectory })
      const refused = await start.then(
        (started) => started.stop(),
        (error: unknown) => error,
      )
      if (!(refused instanceof GatewayDidNotStart)) throw new Error(`it started, or: ${refused}`)
      expect([refused.exitCode, refused.log]).toEqual([
        78,
        expect.stringContaining(`frontier.workspaces.thief.${messageOf(member, name)}`),
      ])
    }
  })
})
