import type { CapMember } from '../dialects/openai-chat/request.ts'
import type { Spliced } from '../json/splice.ts'
import type { Ask, Target } from './call.ts'
import { stampOf } from './stamp.ts'

/** Members that are ours and not the provider's. */
const ours = ['metadata', 'fallbacks'] as const

/**
 * The body as the target's provider gets it: its own name for the model, usage asked for, our members cut. With
 * `outputCap`, which is never above the caller's own, no more output than that.
 */
export function outgoingBody(ask: Ask, { upstream }: Target, outputCap: number | null): Spliced {
  return ask.asked.prepare({
    model: stampOf(upstream.upstreamModel),
    dropMembers: ours,
    forceUsage: true,
    outputCap:
      outputCap === null || !ask.request.hasOutput
        ? null
        : { member: capMember(upstream.provider), value: outputCap },
  })
}

/** Everybody knows `max_tokens`, except for those who have replaced it. */
function capMember(provider: Target['upstream']['provider']): CapMember {
  return provider === 'OPENAI' ? 'max_completion_tokens' : 'max_tokens'
}
