import { describe, expect, test } from 'vitest'
import type { EnvironmentFact, Region, TargetFact } from '../facts.ts'
import { Secret } from '../sealing/secret.ts'
import { emptySnapshot } from '../snapshot.ts'
import { endpoint, workspaceId, written } from '../test-kit.ts'
import { resolveTarget } from './resolve-target.ts'

const apiKey = new Secret('vendor')
const environment = (name: string, over: Partial<EnvironmentFact> = {}): EnvironmentFact => ({
  workspaceId,
  modelId: 'm',
  name,
  baseUrl: `http://${name}/v1`,
  model: null,
  apiKey: null,
  region: null,
  ...over,
})
const own: TargetFact = { provider: 'BASETEN', modelId: 'm', environment: null, targetModel: null }
const vendor = (provider: 'OPENAI' | 'XAI' | 'ANTHROPIC') =>
  ({ provider, targetModel: 'gpt', secretId: 's' }) satisfies TargetFact

/** A fact as a change brings it. */
function live<Fact extends object>(fact: Fact): Fact & { readonly fact: Fact } {
  return { ...fact, fact }
}

function resolve(target: TargetFact, environments: EnvironmentFact[] = [], region: Region = 'UNRESTRICTED') {
  const secrets = [
    { workspaceId, id: 's', value: apiKey },
    { workspaceId, id: 'closed', value: 'sealed' as const },
  ]
  const snapshot = written(emptySnapshot(), {
    environments: environments.map(live),
    secrets: secrets.map(live),
  })
  return resolveTarget(snapshot, { ...endpoint('ep', 'w/slug', target), region })
}

describe('a model of the workspace', () => {
  test('is asked for by the target, else by the environment, else by the slug', () => {
    const named = environment('production', { model: 'served' })
    expect(resolve({ ...own, targetModel: 'wanted' }, [named])).toMatchObject({ upstreamModel: 'wanted' })
    expect(resolve(own, [named])).toMatchObject({ upstreamModel: 'served', baseUrl: 'http://production/v1' })
    expect(resolve(own, [environment('production')])).toMatchObject({ upstreamModel: 'w/slug' })
  })

  test('is reached in the environment that is named, production by default', () => {
    const both = [environment('canary', { apiKey }), environment('production')]
    expect(resolve(own, both)).toMatchObject({ baseUrl: 'http://production/v1', apiKey: null })
    expect(resolve({ ...own, environment: 'canary' }, both)).toEqual({
      provider: 'BASETEN',
      upstreamModel: 'w/slug',
      baseUrl: 'http://canary/v1',
      apiKey,
      region: null,
      overheadTokens: 0,
      maxOutputTokens: null,
    })
  })

  test('stays in the EU where the endpoint asks for it and an environment is there', () => {
    const [eu, us] = [environment('eu', { region: 'EU' }), environment('production')]
    expect(resolve(own, [eu, us], 'EU')).toMatchObject({ baseUrl: 'http://eu/v1', region: 'EU' })
    expect(resolve(own, [eu, us])).toMatchObject({ baseUrl: 'http://production/v1' })
    expect(resolve(own, [us], 'EU')).toMatchObject({ baseUrl: 'http://production/v1' })
    const both = [eu, { ...us, region: 'EU' }]
    expect(resolve(own, both, 'EU')).toMatchObject({ baseUrl: 'http://production/v1' })
  })

  test('is unavailable without the environment, or with a key that cannot be opened', () => {
    for (const environments of [
      [],
      [environment('canary')],
      [environment('production', { apiKey: 'sealed' })],
    ]) {
      expect(resolve(own, environments)).toMatchObject({ failure: 'model_unavailable' })
    }
  })
})

describe('a vendor', () => {
  test('is reached at its own address, a compatible one at the given, without a slash at the end', () => {
    expect(resolve(vendor('OPENAI'))).toMatchObject({
      baseUrl: 'https://api.openai.com/v1',
      upstreamModel: 'gpt',
      apiKey,
    })
    expect(resolve(vendor('XAI'))).toMatchObject({ baseUrl: 'https://api.x.ai/v1' })
    const compatible = {
      ...vendor('OPENAI'),
      provider: 'OPENAI_COMPATIBLE',
      baseUrl: 'https://h/v1/',
    } as const
    expect(resolve(compatible)).toMatchObject({ baseUrl: 'https://h/v1' })
  })

  test('is unavailable without its secret, and where it cannot be called yet', () => {
    for (const target of [
      { ...vendor('OPENAI'), secretId: 'gone' },
      { ...vendor('OPENAI'), secretId: 'closed' },
      vendor('ANTHROPIC'),
      { ...vendor('OPENAI'), provider: 'VERTEX', projectId: 'p', location: 'l' } as const,
      { provider: 'BASETEN_MODEL_API', targetModel: 'm' } as const,
    ]) {
      expect(resolve(target)).toMatchObject({ failure: 'model_unavailable' })
    }
  })
})

test('a secret and an environment that are gone lead nowhere', () => {
  const vendorCall = endpoint('ep', 'w/slug', vendor('OPENAI'))
  const ownCall = endpoint('ep2', 'w/own', own)
  const before = written(emptySnapshot(), {
    environments: [live(environment('production'))],
    secrets: [live({ workspaceId, id: 's', value: apiKey })],
  })
  expect(resolveTarget(before, vendorCall)).toMatchObject({ upstreamModel: 'gpt' })
  expect(resolveTarget(before, ownCall)).toMatchObject({ upstreamModel: 'w/own' })
  const after = written(before, {
    environments: [{ workspaceId, modelId: 'm', name: 'production', fact: null }],
    secrets: [{ workspaceId, id: 's', fact: null }],
  })
  for (const call of [vendorCall, ownCall]) {
    expect(resolveTarget(after, call)).toMatchObject({ failure: 'model_unavailable' })
  }
})

test('gives the same object until something it rests on changes', () => {
  const fact = endpoint('ep', 'w/slug', own)
  const before = written(emptySnapshot(), { environments: [live(environment('production'))] })
  const target = resolveTarget(before, fact)
  const unrelated = written(before, {
    workspaces: [
      live({ id: workspaceId, name: '', onboarded: true, domains: [], registrationPublicKey: null }),
    ],
  })
  expect(resolveTarget(unrelated, fact)).toBe(target)
  const moved = written(unrelated, {
    environments: [live(environment('production', { baseUrl: 'http://moved/v1' }))],
  })
  expect(resolveTarget(moved, fact)).toMatchObject({ baseUrl: 'http://moved/v1' })
})
