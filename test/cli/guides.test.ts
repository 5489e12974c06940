import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startGateway } from '../setup/gateway.ts'
import { paste } from './run.ts'

const root = join(import.meta.dirname, '../..')

function commandsOf(page: string): string {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join('\n')
}

test('the commands of the first-limit guide do what it says', async () => {
  const gateway = await startGateway()
  const { code, output, errors } = await paste(commandsOf('docs/guides/first-limit.md'), {
    TOLLGATE: gateway.url,
    ADMIN_KEY: gateway.adminKey,
  })
  await gateway.stop()
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  const lines = output.trim().split('\n')
  expect(lines.slice(0, 4)).toEqual([
    expect.stringMatching(/^call [0-9A-Z]{26}: 200, 2 left$/),
    expect.stringMatching(/: 200, 1 left$/),
    expect.stringMatching(/: 200, 0 left$/),
    expect.stringMatching(/: 429, 0 left$/),
  ])
  expect(JSON.parse(lines.slice(4).join('\n')).models[0].usage_limits).toEqual([
    { type: 'TOKEN', unit: 'DAY', threshold: 5000, strict: true },
  ])
})
