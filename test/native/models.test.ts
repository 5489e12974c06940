import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, type Governed, openGoverned } from '../setup/governance.ts'

interface Listed {
  readonly id: string
  readonly pricing?: Readonly<Record<string, string>>
}

describe('the list of models', () => {
  let world: Governed

  beforeAll(async () => {
    world = await openGoverned({
      providers: [
        {
          provider: 'openai',
          keys: [{ name: 'main', value: 'secret-main', models: ['*'], aliases: { fast: 'gpt-4o-mini' } }],
        },
        {
          provider: 'house',
          custom_provider_config: { base_provider_type: 'openai', is_key_less: true },
        },
      ],
      virtual_keys: [
        {
          name: 'app',
          value: 'sk-bf-app',
          provider_configs: [
            { provider: 'openai', allowed_models: ['gpt-4o', 'fast', 'home-made'] },
            { provider: 'house', allowed_models: ['bricks'] },
          ],
        },
        {
          name: 'other',
          value: 'sk-bf-other',
          provider_configs: [{ provider: 'openai', allowed_models: ['gpt-4o', 'home-made'] }],
        },
      ],
      pricing_overrides: [
        {
          pattern: 'home-made',
          patch: { input_cost_per_token: '0.000000000049', output_cost_per_token: '0' },
        },
        { pattern: 'gpt-4o', patch: { output_cost_per_token: '12.5' }, virtual_key: 'other' },
      ],
    })
  })
  afterAll(() => world.close())

  const listOf = async (value: string): Promise<readonly Listed[]> =>
    (await call(world, value, null, { path: '/v1/models' })).body.data

  test('says what each costs, as dollars of ten decimals, and nothing of what nobody knows', async () => {
    expect(await listOf('sk-bf-app')).toMatchObject([
      { id: 'openai/fast', pricing: { prompt: '0.0000001500', completion: '0.0000006000' } },
      {
        id: 'openai/gpt-4o',
        pricing: {
          prompt: '0.0000025000',
          completion: '0.0000100000',
          input_cache_read: '0.0000012500',
        },
      },
      { id: 'openai/home-made', pricing: { prompt: '0.0000000000', completion: '0.0000000000' } },
      { id: 'house/bricks' },
    ])
    expect((await listOf('sk-bf-app')).at(-1)).not.toHaveProperty('pricing')
  })

  test('shows the prices that the caller pays', async () => {
    const [model] = await listOf('sk-bf-other')
    expect(model?.pricing).toMatchObject({ prompt: '0.0000025000', completion: '12.5000000000' })
    const one = await call(world, 'sk-bf-other', null, { path: '/v1/models/openai%2Fgpt-4o' })
    expect(one.body.pricing).toEqual(model?.pricing)
  })
})
