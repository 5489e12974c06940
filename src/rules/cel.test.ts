import { isCelError } from '@bufbuild/cel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileExpression, maxExpressionLength, parseExpression, planExpression } from './cel.ts'
import { CallVariables, type Percentages, percentageNames, type RuleContext } from './variables.ts'

const percentages = (changed: Partial<Percentages> = {}) =>
  ({ ...Object.fromEntries(percentageNames.map((name) => [name, 0])), ...changed }) as Percentages

const context: RuleContext = {
  requestType: 'chat_completion',
  headers: () =>
    new Map([
      ['x-tier', 'gold'],
      ['x-region', 'eu'],
    ]),
  params: () => new Map([['debug', '1']]),
  virtualKeyId: 'vk-1',
  virtualKeyName: 'ci',
  teamId: '',
  teamName: '',
  customerId: '',
  customerName: '',
  percentages: () => percentages({ budget_used: 120.5, team_request: 40 }),
}
const variables = () => new CallVariables(context, { provider: 'openai', model: 'gpt-4o-mini' })

function matches(text: string): boolean {
  const compiled = compileExpression(text)
  if ('fault' in compiled) throw new Error(compiled.fault)
  return compiled.matches(variables())
}

function faultOf(text: string): string | undefined {
  const compiled = compileExpression(text)
  return 'fault' in compiled ? compiled.fault : undefined
}

describe('what a rule can ask', () => {
  test.each([
    '',
    ' \n ',
    'headers["x-tier"] == "gold"',
    '"x-tier" in headers && !("x-other" in headers)',
    'has(params.debug) && params.debug == "1"',
    'model.startsWith("gpt-") && model.endsWith("mini") && model.contains("4o")',
    'model.matches("^gpt-[0-9]o(-mini)?$")',
    'provider == "openai" && request_type == "chat_completion"',
    'virtual_key_name in ["ci", "dev"] && virtual_key_id == "vk-1" && team_id == ""',
    'budget_used > 120 && budget_used < 121.0 && tokens_used == 0 && team_request >= 40',
    'headers.exists(name, name.matches("^x-") && headers[name] == "eu")',
    'headers.all(name, size(headers[name]) > 1)',
    'headers.filter(name, name.startsWith("x-")).map(name, headers[name]).exists(value, value == "eu")',
    'int(params["debug"]) + 1 == 2',
    'team_name != "" ? false : true',
  ])('%s', (text) => {
    expect(matches(text)).toBe(true)
  })

  test.each([
    ['a missing key', 'headers["x-none"] == "gold"'],
    ['a missing field', 'headers.none == "gold"'],
    ['an error when it runs', '1 / size(team_id) == 1'],
    ['an overflow', '9223372036854775807 + size(model) > 0'],
    ['a result that turns out to be no truth value', 'dyn(model)'],
    ['a variable that has no value here', 'complexity_tier == "simple"'],
    ['no number in a text', 'int(model) == 1'],
  ])('%s is no match', (_, text) => {
    expect(matches(text)).toBe(false)
  })

  test('an error beside an answer that stands without it is absorbed', () => {
    expect(matches('headers["x-none"] == "gold" || model != ""')).toBe(true)
  })
})

describe('what is found before it runs', () => {
  test.each([
    ['model ==', /end of input/],
    ['modell == "gpt-4o"', "undeclared reference to 'modell'"],
    ['model.lower() == "gpt-4o"', "undeclared reference to 'lower'"],
    ['model', 'the expression must give true or false'],
    ['size(model)', 'the expression must give true or false'],
    ['headers', 'the expression must give true or false'],
    ['model == 4', "found no matching overload for '_==_' applied to '(string, int)'"],
    ['budget_used + 1 > 2', "found no matching overload for '_+_' applied to '(double, int)'"],
    ['headers[1] == ""', "found no matching overload for '_[_]' applied to '(map(string, string), int)'"],
    ['model && true', "found no matching overload for '_&&_' applied to '(string, bool)'"],
    ['model.exists(x, x == "")', "type 'string' cannot be gone through"],
    ['1 in ["a"]', "found no matching overload for '@in' applied to '(int, list(string))'"],
    ['startsWith(model, "g")', "undeclared reference to 'startsWith'"],
    ['model.matches("(gpt")', /missing closing \)/],
    ['model.matches(provider)', 'matches() needs its pattern as one string literal'],
    ['{0: 1, 0u: 2}.size() == 1', 'map key 0 stands twice'],
  ])('%s', (text, fault) => {
    expect(faultOf(text)).toMatch(fault)
  })
})

test.each([
  '"".constructor == ""',
  '""["constructor"] == ""',
  '[].constructor == ""',
  '[]["length"] == 0',
  'headers.constructor == ""',
  'headers["__proto__"] == ""',
  'headers.__proto__.constructor == ""',
  'has(headers.toString)',
  '"constructor" in headers',
  'dyn(headers).constructor == null',
  'dyn("").length == 0',
  'dyn(headers).get("x-tier") == "gold"',
  'constructor == null',
  'toString == null',
  '__proto__ == null',
  'globalThis == null',
  'process.env.HOME != ""',
  'this == null',
  'require("node:fs") != null',
  'google.protobuf.Struct{} != null',
  'timestamp("2026-01-01T00:00:00Z") != null',
  '@step(-100000)',
  '@result == null',
])('nothing beyond the variables is in reach: %s', (text) => {
  const compiled = compileExpression(text)
  expect('fault' in compiled ? false : compiled.matches(variables())).toBe(false)
})

describe('an expression is bounded when it is compiled', () => {
  const nested = (open: string, close: string, depth: number) =>
    `${open.repeat(depth)}true${close.repeat(depth)}`

  test.each([
    ['length', `model == "${'x'.repeat(maxExpressionLength)}"`, /may have 4096 characters/],
    ['parentheses', nested('(', ')', 2000), 'nests too deeply'],
    ['lists', `${nested('[', ']', 2000)} == []`, 'nests too deeply'],
    ['loops', `${nested('[1].all(x,', ')', 370)}`, 'nests too deeply'],
    ['a long chain', `0${'+0'.repeat(600)} == 0`, 'nests too deeply'],
    ['a repetition', 'model.matches("a{1000}")', 'repeats more than 200 times'],
    ['repetitions', `model.matches("${'a{30}'.repeat(8)}")`, 'repeats more than 200 times'],
    ['repeated repetitions', 'model.matches("((a{10}){10}){10}")', 'is too large'],
  ])('%s', (_, text, fault) => {
    expect(faultOf(text)).toMatch(fault)
  })

  test('what fits is taken', () => {
    expect(matches(nested('(', ')', 100))).toBe(true)
    expect(matches(`true${'&&true'.repeat(600)}`)).toBe(true)
    expect(matches(nested('[1].all(x,', ')', 20))).toBe(true)
    expect(faultOf('model.matches("^[a-z]{1,64}-[0-9]{2,4}$")')).toBeUndefined()
  })
})

/** How an evaluation over hostile texts and maps ends; one that is not metered would not end within the test's time. */
function endingOf(text: string, bindings: Record<string, string | Map<string, string>>): unknown {
  const expression = parseExpression(text)
  if ('fault' in expression) throw new Error(expression.fault)
  const program = planExpression(expression)
  if ('fault' in program) throw new Error(program.fault)
  const outcome = program.evaluate(bindings)
  return isCelError(outcome) ? outcome.message : outcome
}

describe('an evaluation is metered', () => {
  const manyHeaders = new Map(Array.from({ length: 2000 }, (_, i) => [`x-${i}`, `${i}`]))
  const coins = Array.from({ length: 30_000 }, (_, i) => 'ab'[(i * i + (i >> 3) + (i >> 7)) & 1]).join('')
  const rangeOf = (length: number) => `[${Array.from({ length }, (_, i) => i).join(',')}]`

  test.each([
    ['loops in loops', 'headers.all(a, headers.all(b, a != "" || b != ""))', { headers: manyHeaders }],
    [
      'loops that fail all the way',
      'headers.all(a, headers.all(b, headers["none"] == b))',
      { headers: manyHeaders },
    ],
    ['loops that end at once', 'headers.all(a, headers.exists(b, true))', { headers: manyHeaders }],
    ['growing lists', `headers.map(a, a).size() > 0`, { headers: manyHeaders }],
    ['lists of lists', `${rangeOf(300)}.map(a, ${rangeOf(300)}.map(b, a * b)).size() > 0`, {}],
    ['comparing lists', `[${rangeOf(200)}].all(a, ${rangeOf(500)}.all(b, a == ${rangeOf(200)}))`, {}],
    ['seeking in lists', `[${rangeOf(500)}].all(a, ${rangeOf(500)}.all(b, !(-1 in a)))`, {}],
    ['seeking numbers in maps', `${rangeOf(900)}.all(a, !(dyn(a) in headers))`, { headers: manyHeaders }],
    ['looking up numbers', `${rangeOf(900)}.all(a, headers[dyn(a)] == "" || true)`, { headers: manyHeaders }],
    [
      'growing texts',
      `[text].all(a, [a+a+a+a+a+a+a+a].all(b, [b+b+b+b+b+b+b+b].all(c, ${rangeOf(99)}.all(i, c + c != ""))))`,
      { text: coins },
    ],
    ['counting characters', `${rangeOf(99)}.all(i, size(text) > 0)`, { text: coins }],
    ['long numbers', `${rangeOf(99)}.all(i, int(text) > 0 || true)`, { text: '1'.repeat(30_000) }],
    [
      'seeking a long part',
      'text.contains(part)',
      { text: 'a'.repeat(24_000), part: `${'a'.repeat(4000)}b${'a'.repeat(4000)}` },
    ],
    ['a pattern that grows twofold', 'text.matches("^(a|b)*a(a|b){60}[cd]")', { text: coins }],
    ['a pattern that grows a little', 'text.matches("^(a|b)*a(a|b){10}[cd]")', { text: coins }],
  ] as [string, string, Record<string, string | Map<string, string>>][])('%s', (_, text, bindings) => {
    expect(endingOf(text, bindings)).toBe('the expression takes too long')
    // Nor does an expression buy itself more by absorbing the error.
    expect(endingOf(`(${text}) || true`, bindings)).toBe('the expression takes too long')
  })

  test.each([
    ['text.matches("(a+)+$")', { text: `${'a'.repeat(3000)}!` }, false],
    ['text.matches("(x+x+)+y")', { text: 'x'.repeat(3000) }, false],
    ['text.contains(part)', { text: 'a'.repeat(24_000), part: 'aab' }, false],
    [
      'headers.exists(name, name.startsWith("x-") && headers[name] == "199")',
      { headers: new Map([...manyHeaders].slice(0, 200)) },
      true,
    ],
    [
      'headers.exists_one(name, name.matches("^x-1[0-9]9$") && name == "x-199")',
      { headers: new Map([...manyHeaders].slice(0, 200)) },
      true,
    ],
  ] as [string, Record<string, string | Map<string, string>>, boolean][])(
    'what is honest has room: %s',
    (text, bindings, answer) => {
      expect(endingOf(text, bindings)).toBe(answer)
    },
  )

  test('every evaluation has all its steps', () => {
    const compiled = compileExpression('headers.exists(name, headers[name] == "eu")')
    if ('fault' in compiled) throw new Error(compiled.fault)
    for (let i = 0; i < 5000; i++) expect(compiled.matches(variables())).toBe(true)
  })
})

test('any text is either refused or answered', () => {
  const word = fc.constantFrom(
    ...[
      'model',
      'headers',
      'params',
      'k',
      '"a"',
      '1',
      '2u',
      '1.5',
      'null',
      'true',
      'b"x"',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
    ],
    ...[
      '.',
      ',',
      ':',
      '?',
      '&&',
      '||',
      '!',
      '-',
      '+',
      '%',
      '==',
      '<',
      'in',
      'has(',
      '.all(k,',
      '.map(k,',
      'size(',
      '.matches(',
    ],
  )
  const texts = fc.oneof(
    fc.string(),
    fc.array(word, { maxLength: 25 }).map((words) => words.join(' ')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const compiled = compileExpression(text)
      expect('fault' in compiled ? typeof compiled.fault : typeof compiled.matches(variables())).toMatch(
        /string|boolean/,
      )
    }),
    { numRuns: 2000 },
  )
})

test('what a reader of variables throws is not taken for an answer', () => {
  const compiled = compileExpression('headers["x-tier"] == "gold" || true')
  const broken = {
    ...context,
    headers: () => {
      throw new Error('a bug')
    },
  }
  if ('fault' in compiled) throw new Error(compiled.fault)
  expect(() => compiled.matches(new CallVariables(broken, { provider: null, model: 'm' }))).toThrow('a bug')
})
