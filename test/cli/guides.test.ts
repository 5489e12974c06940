import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { bareEnvironment } from '../setup/command.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { chatStatus, configurationFor, openFrontier, workspaceKey } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { labKey } from '../setup/labs.ts'
import { commandLine, paste } from './run.ts'

const root = join(import.meta.dirname, '../..')

function blocksOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
}

describe('before the demo world', () => {
  let gateway: Gateway
  beforeAll(async () => {
    gateway = await startGateway()
  })
  afterAll(() => gateway.stop())

  test('the commands of the first-limit guide do what it says', async () => {
    const { code, output, errors } = await paste(blocksOf('docs/guides/first-limit.md').join('\n'), {
      TOLLGATE: gateway.url,
      ADMIN_KEY: gateway.adminKey,
    })
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    const lines = output.trim().split('\n')
    expect(lines.slice(0, 4)).toEqual([
      expect.stringMatching(/^call [0-9A-Z]{26}: 200, 2 left$/),
      expect.stringMatching(/: 200, 1 left$/),
      expect.stringMatching(/: 200, 0 left$/),
      expect.stringMatching(/: 429, 0 left$/),
    ])
    expect(JSON.parse(lines[4] ?? '')).toEqual({
      customer_id: 'research',
      usage: {
        'demo/echo': [
          {
            type: 'TOKEN',
            unit: 'DAY',
            threshold: 5000,
            current_usage: expect.any(Number),
            reset_at: expect.stringMatching(/T00:00:00Z$/),
          },
        ],
      },
    })
    expect(JSON.parse(lines.slice(5).join('\n')).models[0].usage_limits).toEqual([
      { type: 'TOKEN', unit: 'DAY', threshold: 5000, strict: true },
    ])
  })

  test('the commands of the operators guide onboard a lab, by the API and by the file', async () => {
    const folder = temporaryFolder()
    const { code, output, errors } = await paste(
      [`cd ${folder}`, ...blocksOf('docs/guides/operators.md')].join('\n'),
      {
        TOLLGATE: gateway.url,
        ADMIN_KEY: gateway.adminKey,
        PATH: `${folderWithCommand()}:${bareEnvironment.PATH}`,
      },
    )
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    const lines = output.trim().split('\n')
    expect(lines).toContain('call 1: 200')
    expect(lines).toContain('call 2: 429')
    const refused = lines[lines.indexOf('call 2: 429') + 1]
    expect(refused).toMatch(/^429: REQUEST\/MINUTE of group g_\w+ has no room\. It opens at \S+Z\.$/)
    expect(lines.at(-1)).toBe('The configuration is valid.')
    const byApi = await workspaceAurora(gateway)

    const config = parse(readFileSync(join(folder, 'aurora.yaml'), 'utf8'))
    const environment = { AURORA_KEY: 'a-key-of-your-making', OPENAI_API_KEY: 'sk', MODEL_KEY: 'key' }
    const filed = await startGateway({ config, environment })
    const byFile = await workspaceAurora(filed)
    await filed.stop()
    expect(byFile).toEqual({ ...byApi, in_file: true, created_at: expect.any(String) })
  })
})

describe('before providers', () => {
  const [makePair = '', register = '', ...more] = blocksOf('docs/guides/keys-of-your-own.md')
  const folder = temporaryFolder()
  const inFolder = (commands: string, environment = {}) =>
    paste(`cd "$FOLDER"\n${commands}`, { FOLDER: folder, ...environment })
  let upstream: FakeUpstream
  let gateway: Gateway
  beforeAll(async () => {
    const made = await inFolder(makePair)
    expect(made).toMatchObject({ code: 0, errors: '' })
    upstream = await startFakeUpstream()
    const network = { origins: { 'https://api.openai.com': upstream.url } }
    const ofWorkspace = { registration_public_key: made.output.trim() }
    gateway = await startGateway({ config: configurationFor(upstream.url, { network }, ofWorkspace) })
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
  })

  test('the commands of the guide to virtual keys do what it says', async () => {
    const { code, output, errors } = await paste(blocksOf('docs/guides/virtual-keys.md').join('\n'), {
      TOLLGATE: gateway.url,
      ADMIN_KEY: gateway.adminKey,
      OPENAI_API_KEY: 'sk-provider-0123456789',
    })
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(output.trim().split('\n')).toEqual([
      'call: 200',
      'call: 200',
      'call: 429',
      '"request_current_usage":2',
    ])
  })

  test('the commands of the guide to keys of your own do what it says', async () => {
    expect(more).toEqual([])
    const frontier = openFrontier(gateway)
    await frontier.createEndpoint('aurora/lumen')
    const group = await frontier.createGroup({ models: { 'aurora/lumen': [] } })
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.']
    const key = labKey(48, letters)
    const registered = await inFolder(register, {
      TOLLGATE: gateway.url,
      GROUP_ID: group,
      WORKSPACE_KEY: workspaceKey,
      CUSTOMER_KEY: key,
    })
    expect(registered).toEqual({ code: 0, output: '{"ok":true}', errors: '' })
    expect(await chatStatus(gateway, key, { model: 'aurora/lumen' })).toBe(200)
  })
})

async function workspaceAurora({ url, adminKey }: Pick<Gateway, 'url' | 'adminKey'>): Promise<object> {
  const headers = { authorization: `Bearer ${adminKey}` }
  return (await fetch(`${url}/api/admin/workspaces/aurora`, { headers })).json() as Promise<object>
}

/** A folder for the search path, with `tollgate` in it, as it is installed. */
function folderWithCommand(): string {
  const folder = temporaryFolder()
  const script = `#!/bin/sh\nexec ${commandLine([])} "$@"\n`
  writeFileSync(join(folder, 'tollgate'), script, { mode: 0o755 })
  return folder
}
