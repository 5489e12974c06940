import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { commandFile } from '../setup/command.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { type Ran, run, tollgate, tollgateProcess } from './run.ts'

test('help is printed on standard output, and exits with 0', async () => {
  const { code, output, errors } = await tollgateProcess(['serve', '--help'])
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  expect(output).toContain('Usage: tollgate serve')
})

test('wrong usage is told on standard error, and exits with 2', async () => {
  const { code, output, errors } = await tollgateProcess(['serve', '--prot', '1'])
  expect({ code, output }).toEqual({ code: 2, output: '' })
  expect(errors).toContain("error: unknown option '--prot'\n(Did you mean --port?)")
})

function inFile(name: string, contents: string): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, contents)
  return path
}

test('check prints every fault on a line and exits with 78, and serve says the same', async () => {
  const file = inFile('tollgate.yaml', 'server: { port: 99999, prot: 1 }\nledger: { durability: maybe }\n')
  const faults = [
    'server.port: must be a whole number from 0 to 65535; found 99999',
    expect.stringMatching(/^server\.prot: is not a setting; known here are host, /),
    'ledger.durability: must be process or strict; found "maybe"',
  ]
  const checked = await tollgate(['check', file])
  expect(checked.code).toBe(78)
  expect(checked.output.trim().split('\n')).toEqual([...faults, 'The configuration has 3 faults.'])

  const data = join(temporaryFolder(), 'data')
  const served = await tollgate(['serve', '--config', file, '--data', data])
  expect(served.code).toBe(78)
  expect(served.errors.trim().split('\n')).toEqual(faults)
  expect(served.output).toBe('')

  const asJson = await tollgate(['check', '--json', file])
  expect(asJson.code).toBe(78)
  const parsed = JSON.parse(asJson.output)
  expect(parsed.valid).toBe(false)
  expect(parsed.faults).toContainEqual({
    path: 'ledger.durability',
    message: 'must be process or strict',
    found: '"maybe"',
  })
})

test('check takes the file from the environment too, and says when it is valid', async () => {
  const file = inFile('tollgate.yaml', 'server: { port: 1234 }\nsurprise: 1\n')
  const { code, output } = await tollgate(['check'], { TOLLGATE_CONFIG: file })
  expect(code).toBe(0)
  expect(output).toBe(
    'warning: surprise: is not a section that we know, and is ignored\nThe configuration is valid.\n',
  )
})

test('schema prints a JSON Schema', async () => {
  const { code, output } = await tollgate(['schema'])
  expect(code).toBe(0)
  const schema = JSON.parse(output)
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
  expect(Object.keys(schema.properties)).toContain('frontier')
})

test('a Node that is too old is told so in one line, with 78', async () => {
  const { code, output, errors } = await withOldNode()
  expect({ code, output }).toEqual({ code: 78, output: '' })
  expect(errors).toMatch(/^Tollgate needs Node 24 or newer, and this is v\d+\.\d+\.\d+\..*\n$/)
})

/** An older Node of this machine; where there is none, this one in the belief that it is older. */
function withOldNode(): Promise<Ran> {
  const older = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((path) => majorOf(path) < 24)
  if (older !== undefined) return run(older, [commandFile, 'serve'])
  const folder = join(temporaryFolder(), 'old')
  mkdirSync(folder)
  const pretence = join(folder, 'pretence.cjs')
  writeFileSync(
    pretence,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.1.0' } })
Object.defineProperty(process, 'version', { value: 'v22.1.0' })`,
  )
  return run(process.execPath, ['--require', pretence, commandFile, 'serve'])
}

/** Infinity where there is no Node. */
function majorOf(path: string): number {
  try {
    return Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8', stdio: 'pipe' }))?.[1])
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
