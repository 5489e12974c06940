import type { ModelRequest } from '../dialects/model-request.ts'
import { scanRequest } from '../dialects/openai-chat/envelope.ts'
import { type ChatChanges, prepareChatRequest, readChatRequest } from '../dialects/openai-chat/request.ts'
import { strictRefusal } from '../dialects/openai-chat/strict.ts'
import { prepareEmbeddingsRequest, readEmbeddingsRequest } from '../dialects/openai-embeddings/request.ts'
import type { NativeOperation } from '../dialects/openai-native/operation.ts'
import { type Failure, isFailure } from '../domain/failure.ts'
import type { Spliced } from '../json/splice.ts'

/** Something that callers of the frontier door can have a model do. Adding one is a row here, and its dialect. */
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

/** What each door does at a path; null where it has nothing there. */
export interface Served {
  readonly frontier: Operation | 'models' | null
  readonly native: NativeOperation | 'models' | 'mcp_tool'
}

/** What is there for callers to post to, by path. */
export const servedByPath: ReadonlyMap<string, Served> = new Map<string, Served>([
  ['/v1/chat/completions', { frontier: chat, native: 'chat_completion' }],
  ['/v1/completions', { frontier: null, native: 'text_completion' }],
  ['/v1/embeddings', { frontier: embeddings, native: 'embedding' }],
  ['/v1/responses', { frontier: null, native: 'responses' }],
  ['/v1/mcp/tool/execute', { frontier: null, native: 'mcp_tool' }],
])

export const servedModels: Served = { frontier: 'models', native: 'models' }
