import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import { until } from '../faults/world.ts'
import { type Dice, openDice } from '../fuzz/mutations.ts'
import { isLong } from '../setup/form.ts'
import { type Governed, openGoverned } from '../setup/governance.ts'
import { billOf, inputOf, outputOf, type Parts, type Sheet, scaled, type Tier } from './bill.ts'
import {
  type Answered,
  change,
  chargedTo,
  type Level,
  levels,
  makeSpender,
  openLine,
  picoOf,
  type Spender,
  setPrices,
} from './spenders.ts'

const seed = Number(process.env.TOLLGATE_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32))
const atOnce = isLong ? 1000 : 100
const noon = Date.UTC(2026, 10, 3, 12)
const picoPerDollar = 10n ** 12n
/** Dollars. Whatever the calls of a test cost, this is more. */
const ample = 1_000_000

let world: Governed

beforeAll(async () => {
  world = await openGoverned(
    { providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'sk-of-the-provider' }] }] },
    { clock: noon },
  )
})
afterAll(() => world.close())

/** What a usage event says of a call. */
interface Recorded {
  readonly costPico: bigint
  readonly input: number
  readonly output: number
  readonly isStreamed: boolean
}

/** The usage events of some virtual keys by request, once there are so many. */
async function recordedOf(
  spenders: readonly Spender[],
  count: number,
): Promise<ReadonlyMap<string, Recorded>> {
  const rows = await world.read(
    (database) =>
      database
        .selectFrom('usage_events')
        .select(['request_id', 'cost_whole', 'cost_pico', 'input_tokens', 'output_tokens', 'streamed'])
        .where(
          'key_id',
          'in',
          spenders.map(({ keyId }) => keyId),
        )
        .execute(),
    ({ length }) => length >= count,
  )
  expect(rows).toHaveLength(count)
  return new Map(
    rows.map((row) => [
      row.request_id,
      {
        costPico: picoOf(row.cost_whole, row.cost_pico),
        input: row.input_tokens,
        output: row.output_tokens,
        isStreamed: row.streamed === 1,
      },
    ]),
  )
}

const countersOf = ({ budgets }: Spender) =>
  levels.flatMap((level) => budgets[level].map((id) => `budget:${id}`))

/** What every budget is said to have used, in dollars. */
async function usageShown(): Promise<ReadonlyMap<string, number>> {
  const { budgets } = await change(world, 'GET', '/budgets?from_memory=true')
  return new Map(
    budgets.map(({ id, current_usage }: { id: string; current_usage: number }) => [
      `budget:${id}`,
      current_usage,
    ]),
  )
}

/** That each counter has been charged just so much: in the database, and in what is shown. */
async function expectCharged(picoByCounter: ReadonlyMap<string, bigint>): Promise<void> {
  const isSame = (charged: ReadonlyMap<string, bigint>) =>
    [...picoByCounter].every(([counter, pico]) => charged.get(counter) === pico)
  await chargedTo(world, [...picoByCounter.keys()], isSame)
  const shown = await usageShown()
  for (const [counter, pico] of picoByCounter) expect(shown.get(counter)).toBe(dollarsOf(pico))
}

const dollarsOf = (pico: bigint) =>
  Number(`${pico / picoPerDollar}.${String(pico % picoPerDollar).padStart(12, '0')}`)

describe(`budgets under ${atOnce} calls at once`, () => {
  const model = 'bounded'
  const sheet = {
    input_cost_per_token: '0.0000010000000003',
    output_cost_per_token: '0.0000040000000007',
  } satisfies Sheet
  const outputCap = 8
  const nothing: Parts = {
    text: 0,
    inputAudio: 0,
    inputImage: 0,
    cacheRead: 0,
    cacheWrite: 0,
    cacheWriteLong: 0,
    answer: 0,
    reasoning: 0,
    outputAudio: 0,
    outputImage: 0,
    searches: 0,
  }
  /** Whole or streamed, of as many bytes. */
  const bodyOf = (stream: boolean, max_tokens?: number) => ({
    model: `openai/${model}`,
    messages: [{ role: 'user', content: `Hello${stream ? '!' : ''}` }],
    stream,
    ...(max_tokens !== undefined && { max_tokens }),
  })
  const bytesOf = (body: object) => JSON.stringify(body).length
  const costOf = (text: number, answer: number) => billOf({ ...nothing, text, answer }, sheet, null)
  const expectedInput = Math.ceil(bytesOf(bodyOf(true, outputCap)) / 4)
  /** What a call holds that may say no more than the cap, as long as answers are no shorter: rounded up, as holds are. */
  const expectedPico =
    (BigInt(expectedInput) * scaled(sheet.input_cost_per_token, 18) +
      BigInt(outputCap) * scaled(sheet.output_cost_per_token, 18) +
      999_999n) /
    1_000_000n

  const spent: { readonly spender: Spender; readonly answers: readonly Answered[] }[] = []
  let line: ReturnType<typeof openLine>

  beforeAll(async () => {
    line = openLine(world, atOnce)
    await setPrices(world, model, sheet)
  })
  afterAll(() => line.close())

  /** Budgets at all levels, of which one is tight. */
  const underBudget = (tight: Level, ceilingPico: bigint, strict: boolean) => {
    const of = (level: Level) => ({
      budgets: [
        {
          max_limit: level === tight ? dollarsOf(ceilingPico) : ample,
          reset_duration: '1d',
          ...(strict && level === tight && { strict }),
        },
      ],
    })
    return makeSpender(world, {
      customer: of('customer'),
      team: of('team'),
      'virtual key': of('virtual key'),
      'provider config': of('provider config'),
    })
  }

  /** Picodollars of an answered call, by the provider's own count. */
  const servedPico = ({ servedAs }: Answered) => {
    const { prompt = -1, completion = -1 } = world.upstream.find(servedAs)?.tokens ?? {}
    return costOf(prompt, completion)
  }

  const sumOf = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n)
  const largestOf = (amounts: readonly bigint[]) =>
    amounts.reduce((most, amount) => (amount > most ? amount : most), 0n)
  const above = (amount: bigint, least: bigint) => (amount > least ? amount - least : 0n)

  /** Calls until one is refused; what those were charged that were let in. */
  const spendTheRest = async (spender: Spender): Promise<readonly Answered[]> => {
    const answers: Answered[] = []
    for (;;) {
      const answer = await line.call(spender.value, bodyOf(answers.length % 2 === 0, outputCap))
      if (answer.status !== 200) {
        expect([answer.status, answer.header('retry-after')]).toEqual([402, '86400'])
        return answers
      }
      answers.push(answer)
    }
  }

  describe.each(levels)('of a %s', (level) => {
    /** In the short form each way is met at two of the levels. */
    const inTurn = (turn: number) => test.runIf(isLong || levels.indexOf(level) % 2 === turn)

    inTurn(0)(
      'all in flight together: as many as the estimates leave room for, and overrun by no more than they were exceeded',
      async () => {
        const dice = openDice(seed)
        const ceilingPico = expectedPico * 20n + 1n
        const spender = await underBudget(level, ceilingPico, false)
        world.upstream.program(() => ({
          stallBefore: 'head',
          promptTokens: dice.roll(2 * expectedInput),
          completionTokens: outputCap + 1 + dice.roll(32),
        }))
        const openBefore = world.upstream.served().open
        let refusals = 0
        const calls = Array.from({ length: atOnce }, async (_, index) => {
          const answer = await line.call(spender.value, bodyOf(index % 2 === 0, outputCap))
          if (answer.status !== 200) refusals += 1
          return answer
        })
        await until(
          () => refusals + world.upstream.served().open - openBefore === atOnce,
          'the admission or the refusal of each',
        )
        world.upstream.resume()
        const answers = await Promise.all(calls)
        const admitted = answers.filter(({ status }) => status === 200)
        expect(admitted).toHaveLength(21)
        expect(admitted.some(({ text }) => text.endsWith('[DONE]\n\n'))).toBe(true)
        expect(admitted.some(({ text }) => text.endsWith('}'))).toBe(true)
        for (const refused of answers.filter(({ status }) => status !== 200)) {
          expect([refused.status, refused.header('retry-after')]).toEqual([402, '1'])
        }
        const charges = admitted.map(servedPico)
        const overrun = sumOf(charges) - ceilingPico
        const exceeded = sumOf(charges.map((charge) => above(charge, expectedPico)))
        // Whichever of them came last: all others were in flight.
        for (const last of charges) {
          expect(overrun).toBeLessThan(last + exceeded - above(last, expectedPico))
        }
        world.upstream.program(() => ({ promptTokens: 1, completionTokens: outputCap }))
        spent.push({ spender, answers: [...admitted, ...(await spendTheRest(spender))] })
      },
    )

    inTurn(1)('running freely, none above its estimate: overrun by less than one call', async () => {
      const dice = openDice(seed)
      const ceilingPico = expectedPico * 40n + 1n
      const spender = await underBudget(level, ceilingPico, false)
      world.upstream.program(() => ({
        promptTokens: 1 + dice.roll(expectedInput),
        completionTokens: outputCap,
      }))
      const calls = Array.from({ length: atOnce }, (_, index) =>
        line.call(spender.value, bodyOf(index % 2 === 0, outputCap)),
      )
      const answers = (await Promise.all(calls)).filter(({ status }) => status === 200)
      const largest = largestOf(answers.map(servedPico))
      expect(largest).toBeLessThanOrEqual(expectedPico)
      expect(sumOf(answers.map(servedPico)) - ceilingPico).toBeLessThan(largest)

      // With no other call in flight, the last one alone may be too much.
      const rest = await spendTheRest(spender)
      const charges = [...answers, ...rest].map(servedPico)
      const overrun = sumOf(charges) - ceilingPico
      expect(overrun).toBeGreaterThanOrEqual(0n)
      expect(overrun).toBeLessThan(rest.length > 0 ? charges.at(-1)! : largest)
      spent.push({ spender, answers: [...answers, ...rest] })
    })

    inTurn(0)('strict: not overrun at all, and used as far as another call fits', async () => {
      const ceilingPico = expectedPico * 100n + 1n
      const spender = await underBudget(level, ceilingPico, true)
      // The provider takes all it may: a token for each byte, and as long an answer as it is allowed.
      world.upstream.program(({ body, json }) => ({
        promptTokens: body.length,
        completionTokens: Number(json?.max_completion_tokens ?? json?.max_tokens),
      }))
      const calls = Array.from({ length: atOnce }, (_, index) =>
        line.call(spender.value, bodyOf(index % 2 === 0, index % 50 === 7 ? undefined : outputCap)),
      )
      const answers = await Promise.all(calls)
      const admitted = answers.filter(({ status }) => status === 200)
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 402]))
      const used = sumOf(admitted.map(servedPico))
      expect(used).toBeLessThanOrEqual(ceilingPico)
      const longest = Math.max(
        ...admitted.map(({ servedAs }) => world.upstream.find(servedAs)?.body.length ?? 0),
      )
      expect(used + costOf(longest, 16)).toBeGreaterThan(ceilingPico)
      spent.push({ spender, answers: admitted })
    })
  })

  test('what was recorded is what the provider counted, to the picodollar, at every level', async () => {
    expect(spent).toHaveLength((isLong ? 3 : 3 / 2) * levels.length)
    const answers = spent.flatMap((it) => it.answers)
    const recorded = await recordedOf(
      spent.map(({ spender }) => spender),
      answers.length,
    )
    for (const answer of answers) {
      expect(recorded.get(answer.requestId)?.costPico).toBe(servedPico(answer))
    }
    await expectCharged(
      new Map(
        spent.flatMap((it) =>
          countersOf(it.spender).map((counter) => [counter, sumOf(it.answers.map(servedPico))] as const),
        ),
      ),
    )
  })
})

describe('what a usage costs', () => {
  const usages = isLong ? 10_000 : 60
  const connections = 8
  const rates = [
    'input_cost_per_token',
    'output_cost_per_token',
    'cache_read_input_token_cost',
    'cache_creation_input_token_cost',
    'cache_creation_input_token_cost_above_1hr',
  ]
  const suffixes = [
    'batches',
    'priority',
    'flex',
    'above_128k_tokens',
    'above_200k_tokens',
    'above_272k_tokens',
  ]
  const flatFields = [
    'output_cost_per_reasoning_token',
    'input_cost_per_audio_token',
    'output_cost_per_audio_token',
    'input_cost_per_image_token',
    'output_cost_per_image_token',
    'search_context_cost_per_query',
  ]
  const fields = [
    ...rates,
    ...rates.flatMap((rate) => suffixes.map((each) => `${rate}_${each}`)),
    ...flatFields,
  ]
  const required = new Set(['input_cost_per_token', 'output_cost_per_token'])

  /** Up to a tenth of a cent, down to a digit that rounding takes off; some with an exponent. */
  const drawPrice = (dice: Dice): string => {
    const digits = String(dice.roll(10 ** 9))
    if (dice.onceIn(4)) return `${digits.charAt(0)}.${digits.slice(1) || '0'}e-${4 + dice.roll(12)}`
    return `0.${'0'.repeat(3 + dice.roll(8))}${digits}`
  }
  const drawSheet = (dice: Dice, oneIn: number): Sheet =>
    Object.fromEntries(
      fields
        .filter((field) => required.has(field) || dice.onceIn(oneIn))
        .map((field) => [field, drawPrice(dice)]),
    )

  interface Drawn {
    readonly model: string
    readonly parts: Parts
    readonly tier: Tier
    /** JSON, as a provider may spell it. */
    readonly usage: string
    readonly costPico: bigint
  }

  const thresholds = [128_000, 128_001, 200_000, 200_001, 272_000, 272_001]
  const drawParts = (dice: Dice): Parts => {
    const some = () => (dice.onceIn(3) ? 0 : dice.onceIn(2) ? dice.roll(40) : dice.roll(40_000))
    const drawn: Parts = {
      text: 1 + some(),
      inputAudio: some(),
      inputImage: some(),
      cacheRead: some(),
      cacheWrite: some(),
      cacheWriteLong: some(),
      answer: 1 + some(),
      reasoning: some(),
      outputAudio: some(),
      outputImage: some(),
      searches: dice.onceIn(4) ? dice.roll(5) : 0,
    }
    if (!dice.onceIn(3)) return drawn
    // As long as a threshold, or a token longer.
    return { ...drawn, text: Math.max(1, dice.pick(thresholds) - inputOf(drawn) + drawn.text) }
  }

  const spelled = (parts: Parts, reported: string | null, dice: Dice): string => {
    const [input, output] = [inputOf(parts), outputOf(parts)]
    const written = parts.cacheWrite + parts.cacheWriteLong
    const hits = dice.onceIn(4)
    const ofInput = {
      ...(hits ? {} : { [dice.pick(['cached_tokens', 'cached_read_tokens'])]: parts.cacheRead }),
      [dice.pick([
        'cached_write_tokens',
        'cache_write_tokens',
        'cache_creation_tokens',
        'cache_creation_input_tokens',
      ])]: written,
      ...dice.pick([
        { cached_write_token_details: { cached_write_tokens_1h: parts.cacheWriteLong } },
        { cache_creation_token_details: { ephemeral_1h_input_tokens: parts.cacheWriteLong } },
        { cache_creation: { ephemeral_1h_input_tokens: parts.cacheWriteLong } },
      ]),
      audio_tokens: parts.inputAudio,
      image_tokens: parts.inputImage,
    }
    const ofOutput = {
      reasoning_tokens: parts.reasoning,
      audio_tokens: parts.outputAudio,
      image_tokens: parts.outputImage,
      ...(parts.searches > 0 && { num_search_queries: parts.searches }),
    }
    const [inputName, outputName] = dice.pick([
      ['prompt_tokens', 'completion_tokens'],
      ['input_tokens', 'output_tokens'],
    ] as const)
    const members = JSON.stringify({
      [inputName]: input,
      [outputName]: output,
      total_tokens: input + output,
      ...(hits && { prompt_cache_hit_tokens: parts.cacheRead }),
      [`${inputName}_details`]: ofInput,
      [`${outputName}_details`]: ofOutput,
    })
    if (reported === null) return members
    const cost = dice.onceIn(2) ? reported : `{"input_cost":1,"total_cost":${reported}}`
    return `${members.slice(0, -1)},"cost":${cost}}`
  }

  const draw = (dice: Dice, sheets: ReadonlyMap<string, Sheet>): Drawn => {
    const model = dice.pick([...sheets.keys()])
    const parts = drawParts(dice)
    const tier = dice.pick<Tier>([null, null, 'default', 'flex', 'priority', 'batch'])
    const reported = dice.onceIn(8) ? drawPrice(dice) : null
    return {
      model,
      parts,
      tier,
      usage: spelled(parts, reported, dice),
      costPico: reported === null ? billOf(parts, sheets.get(model) ?? {}, tier) : scaled(reported, 12),
    }
  }

  test(`${usages} random usages cost the same whole and streamed, and what their price sheets say`, async ({
    onTestFailed,
  }) => {
    onTestFailed(() => console.error(`TOLLGATE_FUZZ_SEED=${seed} draws the same again`))
    world.upstream.program(() => undefined)
    const dice = openDice(seed)
    const sheets = new Map(
      [1, 2, 2, 4, 8, 1000].map((oneIn, index) => [`sheet-${index}`, drawSheet(dice, oneIn)]),
    )
    for (const [model, sheet] of sheets) await setPrices(world, model, sheet)
    const budget = { budgets: [{ max_limit: 9_000_000_000, reset_duration: '1d' }] }
    const spender = await makeSpender(world, {
      customer: budget,
      team: budget,
      'virtual key': budget,
      'provider config': budget,
    })
    const all = Array.from({ length: usages }, () => {
      const drawn = draw(dice, sheets)
      const base = { usage: drawn.usage, ...(drawn.tier !== null && { serviceTier: drawn.tier }) }
      const scripts: readonly Script[] = [
        { ...base, usageAt: dice.pick(['own', 'start', 'twice'] as const) },
        { ...base, usageAt: dice.pick(['own', 'finish', 'twice', 'every'] as const) },
      ]
      return { drawn, scripts }
    })

    const line = openLine(world, connections)
    const waiting = all.flatMap(({ drawn, scripts }) =>
      scripts.map((script, index) => ({ drawn, script, stream: index === 1 })),
    )
    const made: { readonly drawn: Drawn; readonly stream: boolean; readonly requestId: string }[] = []
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const { drawn, script, stream } = next
        const body = {
          model: `openai/${drawn.model}`,
          messages: [{ role: 'user', content: 'Hello' }],
          stream,
        }
        const answer = await line.call(spender.value, body, script)
        expect(answer.status, answer.text).toBe(200)
        expect(world.upstream.find(answer.servedAs)?.usage).toBe(drawn.usage)
        made.push({ drawn, stream, requestId: answer.requestId })
      }
    }
    await Promise.all(Array.from({ length: connections }, work))
    line.close()

    const recorded = await recordedOf([spender], 2 * usages)
    const wrong = made.filter(({ drawn, stream, requestId }) => {
      const event = recorded.get(requestId)
      return (
        event?.costPico !== drawn.costPico ||
        event.isStreamed !== stream ||
        event.input !== inputOf(drawn.parts) ||
        event.output !== outputOf(drawn.parts)
      )
    })
    expect(
      wrong.map(({ drawn, stream, requestId }) => ({ drawn, stream, got: recorded.get(requestId) })),
    ).toEqual([])
    expect(all.some(({ drawn }) => drawn.costPico > picoPerDollar)).toBe(true)

    const sum = 2n * all.reduce((total, { drawn }) => total + drawn.costPico, 0n)
    await expectCharged(new Map(countersOf(spender).map((counter) => [counter, sum])))
  })
})
