import { isPriced } from '../../catalog/cost.ts'
import { dearestRates } from '../../catalog/rates.ts'
import { strictNativeRefusal } from '../../dialects/openai-native/strict.ts'
import type { AttemptId } from '../../domain/ids.ts'
import { wordImpossible } from '../../limits/notice.ts'
import type { Rates } from '../../limits/plan.ts'
import { type Amounts, isRefusal, type Limited, type Plan } from '../../limits/plan.ts'
import type { ProviderFact } from '../../tenancy/governance/facts.ts'
import { catalogIn, type Price, priceOfModel } from '../../tenancy/governance/prices/prices.ts'
import type { Room } from '../room.ts'
import type { NativeGrant } from './grant.ts'
import type { Journey, Target } from './journey.ts'
import type { Credential } from './keys.ts'
import { outgoingBody } from './outgoing.ts'
import { limitedBy, type Problem, problemOf, refused } from './problem.ts'
import { refusedCall } from './records.ts'

/** Reserves every row of a target's plan, or none. Limits, prices and cost go by the provider's name for the model. */
export async function admit(
  journey: Journey,
  target: Target,
  provider: ProviderFact,
  credential: Credential,
  room: Room,
): Promise<NativeGrant | Problem> {
  const { world, virtualKey, ask, call, operation } = journey
  const now = room.clock()
  const entry = room.governancePlans.find(
    world,
    { virtualKey, provider: target.provider, model: credential.model },
    now,
  )
  const { plan } = entry
  const unbounded = plan.isStrict ? strictNativeRefusal(ask.body, ask.request, ask.keepUnknown) : null
  if (unbounded !== null) return problemOf({ failure: 'impossible', message: unbounded })

  const price = priceOfModel(world, {
    virtualKeyId: virtualKey?.id ?? null,
    provider: target.provider,
    providerKeyId: credential.key?.keyId ?? null,
    model: credential.model,
    requestType: operation,
  })
  const rates = ratesOf(price, journey, plan, room)
  const judged = await room.counters.reserve(
    plan,
    amountsOf(journey, target, credential, plan, rates, entry.average.value, room),
    now,
  )
  if (isRefusal(judged)) {
    if (judged.refusal === 'unpriced') return unpriced(credential.model)
    if (judged.refusal === 'impossible')
      return problemOf({ failure: 'impossible', message: wordImpossible(judged) })
    noteRefusal(journey, target, judged, room)
    return limitedBy(judged, ask.request.model, now)
  }
  return {
    call,
    journey,
    target,
    provider,
    entry,
    credential,
    endpoint: null,
    price,
    cost: null,
    parseErrors: 0,
    attemptId: room.newUlid(now) as AttemptId,
    reservation: judged,
    hasHoldRecord: false,
    outcome: 'ok',
    upstreamStatus: null,
    firstByteMs: null,
    isClosed: false,
  }
}

const free: Rates = { input: 0n, output: 0n }

/** Null where a budget could not be kept: nobody knows what the call would cost. */
function ratesOf({ sheet }: Price, { operation }: Journey, plan: Plan, room: Room): Rates | null {
  if (sheet !== null && isPriced(sheet, operation)) return dearestRates(sheet)
  const isStrictlyPaid = plan.rows.some(({ metric, strict }) => metric === 'cost' && strict)
  return room.unpricedModels === 'allow' && !isStrictlyPaid ? free : null
}

function unpriced(model: string): Problem {
  const message = `Model '${model}' has no price and budgets are enforced. Set one at /api/governance/pricing-overrides; 0 is a price.`
  return refused(403, 'model_blocked', message, 'policy_model_blocked', false)
}

function amountsOf(
  { ask, world }: Journey,
  target: Target,
  credential: Credential,
  plan: Plan,
  rates: Rates | null,
  outputEstimate: number,
  room: Room,
): Amounts {
  const { outputCap, choices, hasOutput } = ask.request
  const known = catalogIn(world).find(target.provider, credential.model, ask.request.operation)
  const longest = known?.maxOutputTokens ?? room.defaultOutputCap
  const defaultOutputCap = hasOutput ? Math.min(room.defaultOutputCap, longest) : 0
  const longestCap = outputCap ?? defaultOutputCap
  return {
    inputEstimate: ask.inputEstimate,
    // No tokeniser makes more than one token of a byte. The cap in the body can only become shorter.
    inputBound: plan.isStrict
      ? outgoingBody(ask, target.provider, credential.model, longestCap).byteLength
      : 0,
    outputEstimate: hasOutput ? outputEstimate : 0,
    outputCap,
    defaultOutputCap,
    choices: Math.max(1, choices),
    rates,
  }
}

function noteRefusal(journey: Journey, target: Target, refusal: Limited, room: Room): void {
  room.metrics.refusals(refusal.row.metric).value += 1
  room.refusals.note(refusedCall(journey, target, refusal, room))
}
