import type { Quantity } from '../domain/quantity.ts'
import type { Ask, Call, Grant } from './call.ts'
import type { Books, Ending } from './settle.ts'

const free: Quantity = { whole: 0, pico: 0 }

/** The accounts of the frontier door: tokens, by group and key. Its owners set their own prices. */
export const frontierBooks: Books<Grant> = {
  costOf: () => 0n,

  note({ call, ask, target, reservation }, usage, ending, room) {
    call.usage = usage
    room.metrics.inputTokens.value += usage.input
    room.metrics.outputTokens.value += usage.output
    if (ending.ending !== 'reported') return
    if (!ending.failed && ask.request.hasOutput)
      target.entry.average.note(usage.output, Math.max(1, ask.request.choices))
    const tokens = usage.input + usage.output
    if (reservation.strictHolds.some(({ row, amount }) => row.metric === 'token' && tokens > amount.whole)) {
      room.metrics.providerExceededCap.value += 1
      room.log.warn(
        { id: call.id, model: ask.request.model, tokens },
        'the provider used more than a strict limit had held',
      )
    }
  },

  eventOf(grant, usage, _costPico, estimated, now) {
    const { call, ask, target } = grant
    const key = keyOf(call)
    return {
      workspaceId: key.workspaceId,
      requestId: call.id,
      keyId: key.id,
      keyPrefix: key.prefix,
      nodeId: target.node.id,
      externalId: target.node.externalId,
      model: ask.request.model,
      provider: target.upstream.provider,
      upstreamModel: target.upstream.upstreamModel,
      usage,
      cost: free,
      estimated,
      streamed: ask.request.isStream,
      status: call.isCut ? 499 : call.status,
      latencyMs: now - call.startedAt,
      firstTokenMs: call.firstTokenMs,
      metadata: metadataOf(ask),
      outcome: grant.outcome,
      upstreamStatus: grant.upstreamStatus,
      admittedMs: grant.reservation.admittedAt - call.startedAt,
      firstByteMs: grant.firstByteMs,
    }
  },

  attemptOf({ call, ask, target, outcome, upstreamStatus, firstByteMs, reservation }, now) {
    const key = keyOf(call)
    return {
      workspaceId: key.workspaceId,
      requestId: call.id,
      keyId: key.id,
      nodeId: target.node.id,
      model: ask.request.model,
      provider: target.upstream.provider,
      upstreamModel: target.upstream.upstreamModel,
      outcome,
      upstreamStatus,
      streamed: ask.request.isStream,
      admittedMs: reservation.admittedAt - call.startedAt,
      firstByteMs,
      latencyMs: now - call.startedAt,
    }
  },
}

/** The end of an attempt whose caller left: the prompt, and one token for each event that was relayed. */
export function leftAfter(ask: Ask, contentEvents: number): Ending {
  return {
    ending: 'estimated',
    usage: { input: ask.inputEstimate, output: contentEvents, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
  }
}

function keyOf({ key }: Call) {
  if (key === null) throw new Error('a call without a key was admitted')
  return key
}

/** The caller's `metadata` as it stands in the body; null where it is absent or `null`. */
function metadataOf({ body, request }: Ask): string | null {
  const { metadata } = request
  if (metadata === null) return null
  const text = body.toString('utf8', metadata.valueStart, metadata.valueEnd)
  return text === 'null' ? null : text
}
