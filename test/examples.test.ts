import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkConfiguration } from '../src/cli/check.ts'

const folder = join(import.meta.dirname, '../examples')
const environment = { AURORA_KEY: 'a-workspace-key-of-aurora', OPENAI_API_KEY: 'sk-of-the-example' }

test.each(readdirSync(folder).filter((name) => name.endsWith('.yaml')))(
  '%s is a valid configuration',
  async (name) => {
    const { isValid, text } = await checkConfiguration({ config: join(folder, name) }, environment, false)
    expect(text).toBe('The configuration is valid.')
    expect(isValid).toBe(true)
  },
)

test('an unset secret is a fault that names the variable and its place', async () => {
  const { isValid, text } = await checkConfiguration({ config: join(folder, 'tollgate.yaml') }, {}, false)
  expect(isValid).toBe(false)
  expect(text).toContain('frontier.workspaces.0.api_keys.0.value: AURORA_KEY is not set in the environment')
})
