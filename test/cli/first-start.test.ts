import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../setup/folders.ts'
import { type GatewayProcess, startGatewayProcess } from '../setup/gateway.ts'
import { paste } from './run.ts'

const dataDirectory = temporaryFolder()
let gateway: GatewayProcess

beforeAll(async () => {
  gateway = await startGatewayProcess({ dataDirectory })
})
afterAll(() => gateway.stop())

/** What is printed to be pasted: from each `curl` that follows an empty line to the next empty line. */
function printedCalls(): string[] {
  return gateway
    .output()
    .split('\n\n')
    .filter((paragraph) => paragraph.startsWith('curl '))
}

test('the first start prints the URL, an admin key, and a call that works when pasted', async () => {
  const [call = '', ...others] = printedCalls()
  expect(others).toEqual([])
  const lines = gateway.output().split('\n')
  expect(lines[0]).toBe(`Tollgate is listening on ${gateway.url}`)
  expect(lines[1]).toMatch(/^Admin key: tga_\S{40,}$/)

  const { code, output } = await paste(call)
  expect(code).toBe(0)
  const answer = JSON.parse(output)
  expect(answer.model).toBe('demo/echo')
  expect(answer.choices[0].message.content).toBe('Hello')
  expect(answer.usage.total_tokens).toBeGreaterThan(0)
})

test('the printed call works streamed', async () => {
  const [call = ''] = printedCalls()
  const { code, output } = await paste(call.replace(`-d '{`, `-d '{"stream":true,`))
  expect(code).toBe(0)
  expect(output).toContain('"content":"Hello"')
  expect(output.trimEnd().endsWith('data: [DONE]')).toBe(true)
})

test('the demo has limits', async () => {
  const headers = { authorization: `Bearer ${gateway.adminKey}` }
  const listed = await fetch(`${gateway.url}/v1/gateway/groups?external_entity_id=demo`, { headers })
  const { items } = (await listed.json()) as { items: { models: unknown }[] }
  expect(items[0]?.models).toEqual([
    {
      slug: 'demo/echo',
      rate_limits: [{ type: 'REQUEST', unit: 'MINUTE', threshold: 60 }],
      usage_limits: [{ type: 'TOKEN', unit: 'DAY', threshold: 100_000 }],
    },
  ])
})

test('a later start prints how to mint a key, which works, and no key', async () => {
  const { adminKey } = gateway
  expect(await gateway.stop()).toBe(0)
  gateway = await startGatewayProcess({ dataDirectory })
  const [call = '', minting = ''] = printedCalls()
  expect(gateway.output()).not.toMatch(/tga_|sky_/)
  expect(call).toContain('$TOLLGATE_KEY')

  const [list = '', mint = ''] = minting.split('\n')
  const listed = await paste(list, { ADMIN_KEY: adminKey })
  const groupId = JSON.parse(listed.output).items[0].id
  const minted = await paste(mint.replace('GROUP_ID', groupId), { ADMIN_KEY: adminKey })
  const called = await paste(call, { TOLLGATE_KEY: JSON.parse(minted.output).api_key })
  expect(JSON.parse(called.output).choices[0].message.content).toBe('Hello')
})
