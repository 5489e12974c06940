import { priceOf } from '../../catalog/cost.ts'
import { priceTermsText } from '../../catalog/price-terms.ts'
import { largestPico } from '../../domain/money.ts'
import { fromPico } from '../../domain/quantity.ts'
import { nothingUsed, type PricedUsage } from '../../domain/usage.ts'
import type { NativeRecord } from '../../ledger/native-record.ts'
import { ownersOf } from '../../tenancy/governance/plan.ts'
import type { Books, Ending } from '../settle.ts'
import type { NativeGrant } from './grant.ts'
import type { Journey } from './journey.ts'
import { payerOf } from './records.ts'

/** Nothing that this door does is done in a batch, or sold by anything but tokens. */
const terms = { isBatch: false }

/** The accounts of the native door: tokens and dollars, by virtual key and everybody above it. */
export const nativeBooks: Books<NativeGrant, PricedUsage> = {
  costOf(grant, used) {
    const { operation } = grant.journey
    const cost = priceOf(used, grant.price.sheet, { requestType: operation, ...terms })
    grant.cost = cost ?? 'unpriced'
    if (cost === null) return 0n
    return cost.costPico > largestPico ? largestPico : cost.costPico
  },

  note(grant, usage, ending, room) {
    const { call, journey, reservation, credential, cost } = grant
    call.usage = usage
    room.metrics.inputTokens.value += usage.input
    room.metrics.outputTokens.value += usage.output
    if (cost === 'unpriced') room.metrics.unpriced.value += 1
    else if (cost !== null && cost.costPico > largestPico)
      room.log.warn(
        { id: call.id, model: credential.model },
        'a call that costs more than can be was charged the most',
      )
    if (ending.ending !== 'reported') return
    const { request } = journey.ask
    if (!ending.failed && request.hasOutput)
      grant.entry.average.note(usage.output, Math.max(1, request.choices))
    const tokens = usage.input + usage.output
    const costPico = cost === null || cost === 'unpriced' ? 0n : cost.costPico
    const isExceeded = reservation.strictHolds.some(({ row, amount }) =>
      row.metric === 'token'
        ? tokens > amount.whole
        : BigInt(amount.whole) * 1_000_000n + BigInt(amount.pico) < costPico,
    )
    if (!isExceeded) return
    room.metrics.providerExceededCap.value += 1
    room.log.warn(
      { id: call.id, model: credential.model, tokens },
      'the provider used more than a strict limit had held',
    )
  },

  eventOf(grant, usage, costPico, estimated, now, room) {
    const { call, journey, target, credential } = grant
    const { workspaceId, keyId, keyPrefix } = payerOf(journey.virtualKey, room)
    return {
      workspaceId,
      requestId: call.id,
      keyId,
      keyPrefix,
      nodeId: null,
      externalId: null,
      model: journey.ask.request.model,
      provider: target.provider,
      upstreamModel: credential.model,
      usage,
      cost: fromPico(costPico),
      estimated,
      streamed: journey.ask.request.isStream,
      status: call.isCut ? 499 : call.status || (grant.upstreamStatus ?? 0),
      latencyMs: now - call.startedAt,
      firstTokenMs: call.firstTokenMs,
      metadata: metadataOf(journey),
      outcome: grant.outcome,
      upstreamStatus: grant.upstreamStatus,
      admittedMs: grant.reservation.admittedAt - call.startedAt,
      firstByteMs: grant.firstByteMs,
      native: recordOf(grant, usage, estimated),
    }
  },

  attemptOf(grant, now, room) {
    const { call, journey, target, credential } = grant
    const { workspaceId, keyId } = payerOf(journey.virtualKey, room)
    return {
      workspaceId,
      requestId: call.id,
      keyId,
      nodeId: null,
      model: journey.ask.request.model,
      provider: target.provider,
      upstreamModel: credential.model,
      outcome: grant.outcome,
      upstreamStatus: grant.upstreamStatus,
      streamed: journey.ask.request.isStream,
      admittedMs: grant.reservation.admittedAt - call.startedAt,
      firstByteMs: grant.firstByteMs,
      latencyMs: now - call.startedAt,
      native: recordOf(grant, nothingUsed, false),
    }
  },
}

/** The end of an attempt whose caller left: the prompt, and one token for each event that was relayed. */
export function leftAfter({ ask }: Journey, contentEvents: number): Ending<PricedUsage> {
  return {
    ending: 'estimated',
    usage: { ...nothingUsed, input: ask.inputEstimate, output: contentEvents },
  }
}

function recordOf(
  { journey, credential, price, cost, parseErrors }: NativeGrant,
  usage: PricedUsage,
  estimated: boolean,
): NativeRecord {
  const { virtualKey, world, operation, trail } = journey
  const owners = virtualKey === null ? null : ownersOf(world, virtualKey)
  const known = cost === 'unpriced' ? null : cost
  return {
    virtualKeyId: virtualKey?.id ?? null,
    teamId: owners?.team?.id ?? null,
    customerId: owners?.customer?.id ?? null,
    providerKeyId: credential.key?.keyId ?? null,
    requestType: operation,
    attempts: JSON.stringify(trail),
    parseErrors,
    isPriced: known !== null,
    isCostEstimated: estimated,
    priceTerms: priceTermsText(usage, terms, known, price.overrideId),
  }
}

/** The caller's `metadata` as it stands in the body; null where it is absent or `null`. */
function metadataOf({ ask: { body, request } }: Journey): string | null {
  const { metadata } = request
  return metadata === null ? null : body.toString('utf8', metadata.valueStart, metadata.valueEnd)
}
