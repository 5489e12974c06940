import type { ModelRequest } from '../dialects/model-request.ts'
import { scanRequest } from '../dialects/openai-chat/envelope.ts'
import { type ChatChanges, prepareChatRequest, readChatRequest } from '../dialects/openai-chat/request.ts'
import { strictRefusal } from '../dialects/openai-chat/strict.ts'
import { prepareEmbeddingsRequest, readEmbeddingsRequest } from '../dialects/openai-embeddings/request.ts'
import { type Failure, isFailure } from '../domain/failure.ts'
import type { Spliced } from '../json/splice.ts'

/** Something that callers can have a model do. Adding one is a row here, and its dialect. */
export interface Operation {
  /** Follows the base address of a target. */
  readonly upstreamPath: '/chat/completions' | '/embeddings'
  /** Reads what a body asks of us. */
  read(body: Buffer): Asked | Failure
}

/** A body that was read. */
export interface Asked {
  readonly request: ModelRequest
  /** The body to send, with these changes. */
  prepare(changes: ChatChanges): Spliced
  /** Why it cannot be made under a strict limit; null if it can be. */
  strictRefusal(): string | null
}

const chat: Operation = {
  upstreamPath: '/chat/completions',
  read(body) {
    const envelope = scanRequest(body)
    if (isFailure(envelope)) return envelope
    const request = readChatRequest(body, envelope)
    if (isFailure(request)) return request
    return {
      request,
      prepare: (changes) => prepareChatRequest(body, request, changes),
      strictRefusal: () => strictRefusal(body),
    }
  },
}

const embeddings: Operation = {
  upstreamPath: '/embeddings',
  read(body) {
    const request = readEmbeddingsRequest(body)
    if (isFailure(request)) return request
    return {
      request,
      prepare: ({ model }) => prepareEmbeddingsRequest(body, request, model),
      // All that an embedding costs is its input, which stands in the body.
      strictRefusal: () => null,
    }
  },
}

/** Operations by the paths that callers post to. */
export const operations: ReadonlyMap<string, Operation> = new Map([
  ['/v1/chat/completions', chat],
  ['/v1/embeddings', embeddings],
])
