import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { configurationFor, workspaceKey } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'

const run = promisify(execFile)
const noon = Date.UTC(2026, 10, 3, 12)
const stepMs = 10_000

/** Lets a gateway's time run, ten seconds at a step, until it is stopped. */
function hurry(gateway: Pick<Gateway, 'setClock'>): { stop(): Promise<void> } {
  let isOver = false
  const running = (async () => {
    for (let now = noon; !isOver; now += stepMs) await gateway.setClock(now)
  })()
  return {
    stop() {
      isOver = true
      return running
    },
  }
}

function upstreamTokens(upstream: FakeUpstream): object {
  const tokens = upstream.requests.at(-1)?.tokens
  return { inputTokens: tokens?.prompt, outputTokens: tokens?.completion, cachedInputTokens: 0 }
}
/** Where continuous integration installs the generator; else it is looked for on the path. */
const installed = join(import.meta.dirname, '../../node_modules/.cache/openapi-python/bin')
const environment = { ...process.env, PATH: `${installed}${delimiter}${process.env.PATH}` }
const generator = 'openapi-python-client'
const isMissing = spawnSync(generator, ['--version'], { env: environment }).status !== 0
if (isMissing)
  console.warn(`${generator} is not installed (pip install openapi-python-client): its test is skipped`)

test.skipIf(isMissing)(
  'a client that a public generator made of the document drives a whole life',
  async () => {
    const upstream = await startFakeUpstream()
    const gateway = await startGateway({ config: configurationFor(upstream.url), clock: noon })
    const time = hurry(gateway)
    try {
      const folder = temporaryFolder()
      const document = join(folder, 'openapi.json')
      writeFileSync(document, await (await fetch(`${gateway.url}/openapi.json`)).text())
      const client = join(folder, 'tollgate_client')
      const generated = await run(
        generator,
        ['generate', '--path', document, '--meta', 'none', '--output-path', client],
        {
          env: environment,
        },
      )
      // The generator goes on without what it does not understand, and says so.
      expect(generated.stdout + generated.stderr).not.toMatch(/warning|unable/i)

      const script = join(import.meta.dirname, 'lifecycle.py')
      const { stdout } = await run(
        'python3',
        [script, gateway.url, workspaceKey, new Date(noon).toISOString()],
        {
          env: { ...environment, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' },
        },
      )
      expect(JSON.parse(stdout)).toEqual({
        refused: { code: 'VALIDATION_ERROR', message: 'Child group exceeds parent group limit.' },
        name: 'Py',
        effective: [500, 1000],
        statuses: [200, 401],
        usage: {
          customer_id: 'py-child',
          usage: {
            'aurora/lumen-py': [
              {
                type: 'TOKEN',
                unit: 'DAY',
                threshold: 500,
                current_usage: expect.any(Number),
                reset_at: expect.any(String),
              },
            ],
          },
        },
        events: [
          {
            type: 'API_BILLING_USAGE',
            idempotencyKey: expect.any(String),
            timestamp: expect.any(String),
            requestId: expect.any(String),
            modelSlug: 'aurora/lumen-py',
            externalEntityId: 'py-child',
            apiKeyPrefix: expect.stringMatching(/^sky_/),
            tokens: upstreamTokens(upstream),
          },
        ],
        keys: [{ prefix: expect.stringMatching(/^sky_/), name: 'ci' }],
        groups: [true],
        gone: { code: 'NOT_FOUND', message: 'There is no such group.' },
      })
    } finally {
      await time.stop()
      await gateway.stop()
      await upstream.close()
    }
  },
  120_000,
)
