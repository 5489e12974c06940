import { expect, test } from 'vitest'
import { call, chatOf, openGoverned } from '../setup/governance.ts'

test('refusals of virtual keys have the later names where the file says so', async () => {
  const world = await openGoverned(
    {
      providers: [{ provider: 'openai', keys: [{ name: 'openai-main', value: 'secret-of-openai' }] }],
      virtual_keys: [{ name: 'off', value: 'sk-bf-off', is_active: false }],
    },
    { config: { governance: { error_dialect: 'v2' } } },
  )
  const ask = (credential: string) => call(world, credential, chatOf('openai/gpt-4o-mini'))
  expect(await ask('sk-bf-off')).toMatchObject({
    status: 403,
    body: { type: 'access_blocked', error: { message: 'virtual key is inactive' } },
  })
  expect(await ask('sk-bf-none')).toMatchObject({ status: 401, body: { type: 'access_not_found' } })
  await world.close()
})
