import type { Completion, Piece } from './completion.ts'
import type { JsonObject } from './script.ts'

/** The answer as one object of the Responses API. */
export function wholeResponse(completion: Completion): Piece {
  const usage = usageOf(completion)
  return { kind: 'whole', text: JSON.stringify(responseOf(completion, 'completed')), ...(usage && { usage }) }
}

/** The answer as the typed events of the Responses API. The last of them tells the usage. */
export function* streamedResponse(completion: Completion): Generator<Piece> {
  let sequence = 0
  const event = (kind: Piece['kind'], type: string, members: object, usage: string | null = null): Piece => {
    const data = JSON.stringify({ type, sequence_number: sequence++, ...members })
    return { kind, text: `event: ${type}\ndata: ${data}\n\n`, ...(usage !== null && { usage }) }
  }
  yield event('role', 'response.created', { response: responseOf(completion, 'in_progress') })
  yield event('role', 'response.in_progress', { response: responseOf(completion, 'in_progress') })
  for (const token of completion.tokens) {
    yield event('content', 'response.output_text.delta', {
      item_id: 'msg_fake',
      output_index: 0,
      delta: token,
    })
  }
  const last = responseOf(completion, 'completed')
  yield event('done', 'response.completed', { response: last }, usageOf(completion))
}

function responseOf(completion: Completion, status: 'in_progress' | 'completed'): object {
  const { id, model, tokens } = completion
  const usage = status === 'completed' ? usageOf(completion) : null
  const content = [{ type: 'output_text', text: tokens.join(''), annotations: [] }]
  const output =
    status === 'completed' ? [{ id: 'msg_fake', type: 'message', role: 'assistant', status, content }] : []
  return {
    id,
    object: 'response',
    created_at: 1_750_000_000,
    status,
    model,
    output,
    ...(usage !== null && { usage: JSON.parse(usage) }),
  }
}

/** The same counts under the names of this API. */
function usageOf(completion: Completion): string | null {
  const text = completion.usageAfter(completion.tokens.length)
  if (text === null) return null
  const told = JSON.parse(text)
  return JSON.stringify({
    input_tokens: told.prompt_tokens,
    output_tokens: told.completion_tokens,
    total_tokens: told.total_tokens,
    input_tokens_details: { cached_tokens: 0, ...withoutAudio(told.prompt_tokens_details) },
    output_tokens_details: { reasoning_tokens: 0, ...withoutAudio(told.completion_tokens_details) },
  })
}

/** This API counts no sound. */
function withoutAudio({ audio_tokens: _, ...details }: JsonObject = {}): JsonObject {
  return details
}
