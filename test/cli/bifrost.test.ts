import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startGateway } from '../setup/gateway.ts'
import { tollgate } from './run.ts'

const file = join(import.meta.dirname, 'bifrost.config.json')
const config = JSON.parse(readFileSync(file, 'utf8'))
const sections = Object.keys(config).filter((name) => name !== '$schema' && name !== 'version')

test('check accepts a Bifrost config.json unchanged, with a warning for each section that is not acted on', async () => {
  const { code, output } = await tollgate(['check', '--json', file])
  expect(code).toBe(0)
  const { valid, faults, warnings } = JSON.parse(output)
  expect({ valid, faults }).toEqual({ valid: true, faults: [] })
  expect(warnings.map(({ path }: { path: string }) => path).sort()).toEqual([...sections].sort())
})

test('serve starts with a Bifrost config.json, warns in the log, and keeps management closed', async () => {
  const gateway = await startGateway({ config })
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
  expect((await fetch(`${gateway.url}/metrics`)).status).toBe(401)
  expect((await fetch(`${gateway.url}/v1/gateway/groups`)).status).toBe(401)
  expect(await gateway.stop()).toBe(0)
  const warned = gateway
    .log()
    .split('\n')
    .filter((line) => line.includes('"setting"'))
    .map((line) => JSON.parse(line).setting)
  expect(warned.sort()).toEqual([...sections].sort())
})
