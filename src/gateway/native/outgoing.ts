import { prepareNative } from '../../dialects/openai-native/prepare.ts'
import { quirksOf } from '../../dialects/openai-native/quirks.ts'
import type { Spliced } from '../../json/splice.ts'
import { stampOf } from '../stamp.ts'
import type { NativeAsk } from './ask.ts'

/** The body as a provider gets it. With `outputCap`, which is never above the caller's own, no more output than that. */
export function outgoingBody(
  { body, request, keepUnknown }: NativeAsk,
  provider: string,
  model: string,
  outputCap: number | null,
): Spliced {
  return prepareNative(body, request, {
    model: stampOf(model),
    keepUnknown,
    quirks: quirksOf(provider),
    outputCap: request.hasOutput ? outputCap : null,
  })
}
