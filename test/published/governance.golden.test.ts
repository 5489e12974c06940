import { describe, expect, test } from 'vitest'
import { rateCounter } from '../../src/tenancy/governance/limits/limit-rows.ts'
import { mostDatabases } from '../setup/databases.ts'
import { openGovernance } from './governance-world.ts'
import golden from './list-teams.golden.json' with { type: 'json' }

describe.each(mostDatabases())('List teams on $name', ({ open }) => {
  test('answers as published, member for member and in the published order', async () => {
    const world = await openGovernance(await open())
    const { call } = world
    world.setClock(Date.parse('2026-05-01T07:00:00Z'))
    // The example's numbers: its provider is the second, its key the fourth, its MCP client the third.
    for (const name of ['anthropic', 'openai']) await world.addProvider(name, name === 'openai' ? 3 : 1)
    for (const name of ['files', 'search', 'github']) await world.addMcpClient(name)
    world.setClock(Date.parse('2026-05-01T07:59:00Z'))
    const { customer } = (await call('POST', '/customers', { name: 'Acme' })).body
    world.setClock(Date.parse('2026-05-01T08:00:00Z'))
    const wish = { max_limit: 500, reset_duration: '1M', calendar_aligned: true }
    const { team } = (await call('POST', '/teams', { name: 'ML', customer_id: customer.id, budget: wish }))
      .body
    const key = await world.addKey({
      name: 'app',
      description: 'demo',
      teamId: team.id,
      mcpClient: 'github',
      provider: {
        name: 'openai',
        keys: ['openai-main'],
        limits: {
          rateLimit: {
            tokens: { max: null, resetDuration: null },
            requests: { max: 100, resetDuration: '1h' },
          },
        },
      },
    })
    await world.spend(team.budget_id, '12.5')
    const { tenancy, counters } = world
    const rateLimit = tenancy.snapshot().governance.virtualKey(key.id)?.providerConfigs[0]?.rateLimit
    const startsAt = rateLimit?.requests?.startsAt ?? 0
    const counter = rateCounter(rateLimit?.id ?? '', 'requests')
    const amount = { whole: 3, pico: 0 }
    counters.adjust({ counter, generation: 0, startsAt, endsAt: startsAt + 3_600_000, amount })
    const keyId = tenancy.snapshot().governance.provider('openai')?.keys.at(-1)?.keyId ?? ''

    const listed = await call('GET', '/teams')
    const made: Readonly<Record<string, string>> = {
      c1: customer.id,
      t1: team.id,
      b1: team.budget_id,
      v1: key.id,
      'sk-bf-v1': key.value,
      rl1: rateLimit?.id ?? '',
      k1: keyId,
    }
    const expected = JSON.stringify(golden, (_, value) => made[value] ?? value)
    expect(listed.text).toBe(expected)
    expect(listed.headers.get('content-type')).toMatch(/^application\/json/)
    expect(world.bugs).toEqual([])
    await world.close()
  })
})
