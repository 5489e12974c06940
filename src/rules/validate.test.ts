import { describe, expect, test } from 'vitest'
import { compileExpression } from './cel.ts'
import { checkRule, type GivenRule } from './validate.ts'

const knowledge = {
  isKnownProvider: (name: string) => name === 'openai' || name === 'azure',
  compile: compileExpression,
}
const given: GivenRule = { name: 'gold', targets: [{ provider: 'openai', weight: 1 }] }
const check = (changed: GivenRule) => checkRule({ ...given, ...changed }, knowledge)

describe('what is wrong with a rule', () => {
  test.each<[GivenRule, string | RegExp]>([
    [{ name: undefined }, 'name field is required'],
    [{ name: '  ' }, 'name field is required'],
    [{ targets: undefined }, 'at least one target is required'],
    [{ targets: [] }, 'at least one target is required'],
    [{ targets: [{ provider: 'openai', weight: 0 }] }, 'each target weight must be positive'],
    [{ targets: [{ provider: 'openai' }] }, 'each target weight must be positive'],
    [{ targets: [{ weight: 1.5 }, { weight: -0.5 }] }, 'each target weight must be positive'],
    [{ targets: [{ key_id: 'k1', weight: 1 }] }, 'key_id requires provider to be set'],
    [{ targets: [{ provider: '', key_id: 'k1', weight: 1 }] }, 'key_id requires provider to be set'],
    [
      {
        targets: [
          { provider: 'openai', model: 'gpt-4o', weight: 0.5 },
          { provider: 'openai', model: 'gpt-4o', key_id: '', weight: 0.5 },
        ],
      },
      'duplicate target entry: provider=openai model=gpt-4o key_id=',
    ],
    [
      {
        targets: [
          { provider: 'openai', key_id: 'k', weight: 0.5 },
          { provider: 'openai', key_id: 'k', weight: 0.5 },
        ],
      },
      'duplicate target entry: provider=openai model= key_id=k',
    ],
    [
      {
        targets: [
          { model: 'a', weight: 0.7 },
          { model: 'b', weight: 0.2 },
        ],
      },
      'target weights must sum to 1, got 0.9000',
    ],
    [{ targets: [{ model: 'a', weight: 0.9989 }] }, 'target weights must sum to 1, got 0.9989'],
    [{ fallbacks: ['azure/gpt-4o', ' '] }, 'fallbacks[1] must not be empty'],
    [{ fallbacks: [{}] }, 'fallbacks[0] must not be empty'],
    [
      { fallbacks: ['nobody/gpt-4o'] },
      /^fallbacks\[0\] "nobody\/gpt-4o" is invalid: must use a known provider prefix/,
    ],
    [{ fallbacks: ['openai'] }, /^fallbacks\[0\] "openai" is invalid: must use a known provider prefix/],
    [
      { fallbacks: [{ provider: 'nobody' }] },
      /^fallbacks\[0\] "nobody\/" is invalid: must use a known provider prefix/,
    ],
    [{ cel_expression: 'model ==' }, /^invalid CEL expression: /],
    [{ cel_expression: 'model' }, 'invalid CEL expression: the expression must give true or false'],
    [{ scope: 'user' }, 'invalid scope "user": must be one of: global, team, customer, virtual_key'],
    [{ scope: 'team' }, 'scope_id field is required when scope is not global'],
    [{ scope: 'virtual_key', scope_id: '' }, 'scope_id field is required when scope is not global'],
  ])('%j', (changed, message) => {
    const checked = check(changed)
    if (!('failure' in checked) || checked.failure !== 'invalid') throw new Error(JSON.stringify(checked))
    if (typeof message === 'string') expect(checked.message).toBe(message)
    else expect(checked.message).toMatch(message)
  })

  test('the first fault is told, in the order of the members', () => {
    const faults: GivenRule[] = [
      { name: '' },
      { targets: [{ key_id: 'k', weight: 0 }] },
      {
        targets: [
          { key_id: 'k', weight: 1 },
          { key_id: 'k', weight: 1 },
        ],
      },
      { targets: [{ weight: 1 }, { weight: 1 }] },
      { targets: [{ weight: 0.5 }] },
      { fallbacks: [''] },
      { cel_expression: '(' },
      { scope: 'x' },
    ]
    const messages = faults.map((_, i) => {
      const checked = check(Object.assign({}, ...faults.slice(i).toReversed()))
      return 'failure' in checked && checked.failure === 'invalid' ? checked.message : 'none'
    })
    expect(messages.map((message) => message.slice(0, 12))).toEqual([
      'name field i',
      'each target ',
      'key_id requi',
      'duplicate ta',
      'target weigh',
      'fallbacks[0]',
      'invalid CEL ',
      'invalid scop',
    ])
  })
})

describe('what a rule becomes', () => {
  test('every member that is left out has its default', () => {
    expect(check({})).toEqual({
      name: 'gold',
      description: '',
      isEnabled: true,
      isChained: false,
      expression: '',
      targets: [{ provider: 'openai', model: null, keyId: null, weight: 1 }],
      fallbacks: [],
      scope: 'global',
      scopeId: null,
      priority: 0,
      query: null,
    })
  })

  test('every member that is given is kept', () => {
    const query = { combinator: 'and', rules: [] }
    expect(
      check({
        description: 'for gold',
        enabled: false,
        chain_rule: true,
        cel_expression: 'model == "fast"',
        fallbacks: ['azure/meta/llama', 'openai/', { provider: 'azure', model: 'gpt-4o', key_id: 'k2' }],
        scope: 'team',
        scope_id: 't1',
        priority: -3,
        query,
      }),
    ).toMatchObject({
      description: 'for gold',
      isEnabled: false,
      isChained: true,
      expression: 'model == "fast"',
      fallbacks: [
        { provider: 'azure', model: 'meta/llama', keyId: null },
        { provider: 'openai', model: null, keyId: null },
        { provider: 'azure', model: 'gpt-4o', keyId: 'k2' },
      ],
      scope: 'team',
      scopeId: 't1',
      priority: -3,
      query,
    })
  })

  test('a global rule belongs to nobody', () => {
    expect(check({ scope: 'global', scope_id: 't1' })).toMatchObject({ scope: 'global', scopeId: null })
  })

  test('targets stand heaviest first, and their weights may be a thousandth off', () => {
    const targets = [
      { model: 'a', weight: 0.2 },
      { model: 'b', weight: 0.499 },
      { model: 'c', weight: 0.3 },
    ]
    expect(check({ targets })).toMatchObject({ targets: [{ model: 'b' }, { model: 'c' }, { model: 'a' }] })
  })

  test('a provider or a model of the rule itself is one target', () => {
    const one = { provider: 'azure', model: 'gpt-4o', keyId: null, weight: 1 }
    expect(check({ targets: null, provider: 'azure', model: 'gpt-4o' })).toMatchObject({ targets: [one] })
    expect(check({ targets: [], model: 'gpt-4o' })).toMatchObject({ targets: [{ ...one, provider: null }] })
    expect(check({ provider: 'azure' })).toMatchObject({ targets: [{ provider: 'openai' }] })
  })
})
