import { sampleOf } from './sample.ts'
import { asObject, type JsonObject, type Place, type Script } from './script.ts'

/** A stretch of a body that is written as one. `usage` is the JSON text of the last usage it reports. */
export interface Piece {
  readonly text: string
  readonly kind: Exclude<Place, 'head' | 'end'> | 'role' | 'content' | 'whole'
  readonly usage?: string
}

/** What an answer says, before it takes the shape of one object or of a stream. */
export interface Completion {
  readonly id: string
  readonly model: string
  readonly choices: number
  /** What every choice says, a token each. */
  readonly tokens: readonly string[]
  /** The function it calls; the tokens are then those of the arguments. */
  readonly tool: string | null
  readonly finishReason: string
  /** The tier that it says served it; null where it says nothing. */
  readonly serviceTier: string | null
  /** JSON text of the usage after so many tokens of each choice; null where none is reported. */
  readonly usageAfter: (tokens: number) => string | null
  /** Whether a stream reports usage at all. */
  readonly streamsUsage: boolean
  /** The older kind, of bare text. */
  readonly isText: boolean
}

const hello = ['Hello', ' from', ' the', ' fake', ' upstream']
const created = 1_750_000_000
const wrongUsage = '{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'

/** Works out what a request is answered, as its script has it. The same request is answered the same. */
export function complete(id: string, body: JsonObject, script: Script, isText = false): Completion {
  const tool = toolOf(body, script)
  const said =
    tool === null ? (script.text ?? jsonAnswer(body)) : JSON.stringify(sampleOf(tool.parameters) ?? {})
  const wanted = said === null ? words(script.chunks ?? 5) : split(said, script.chunks ?? 5)
  const cap = body.max_completion_tokens ?? body.max_tokens ?? body.max_output_tokens
  const isCapped = script.obeysCap !== false && typeof cap === 'number' && cap < wanted.length
  const tokens = isCapped ? wanted.slice(0, cap) : wanted
  const choices = typeof body.n === 'number' ? body.n : 1
  const asked = asObject(body.stream_options)?.include_usage === true
  return {
    id,
    model: script.model ?? String(body.model),
    choices,
    tokens,
    tool: tool === null ? null : String(tool.name),
    serviceTier: script.serviceTier ?? null,
    finishReason: isCapped ? 'length' : tool === null ? 'stop' : 'tool_calls',
    usageAfter: (count) => usageText(body, script, count * choices, count === tokens.length),
    streamsUsage: script.includeUsage === 'always' || (script.includeUsage !== 'never' && asked),
    isText,
  }
}

/** The answer as one `chat.completion` object. */
export function wholeAnswer(completion: Completion, script: Script): Piece {
  const text = completion.tokens.join('') + 'x'.repeat(script.paddingBytes ?? 0)
  const call = { id: 'call_fake', type: 'function', function: { name: completion.tool, arguments: text } }
  const message =
    completion.tool === null
      ? { role: 'assistant', content: text, refusal: null }
      : { role: 'assistant', content: null, refusal: null, tool_calls: [call] }
  const said = completion.isText ? { text } : { message }
  const choices = indices(completion).map((index) => {
    return { index, ...said, logprobs: null, finish_reason: completion.finishReason }
  })
  const usage = completion.usageAfter(completion.tokens.length)
  const at = script.usageAt ?? 'own'
  const members = head(completion, completion.isText ? 'text_completion' : 'chat.completion')
  if (usage !== null && at === 'start') members.push(['usage', usage])
  if (usage !== null && at === 'twice') members.push(['usage', wrongUsage])
  members.push(['choices', JSON.stringify(choices)])
  if (usage !== null && at !== 'start') members.push(['usage', usage])
  return { kind: 'whole', text: object(members), ...(usage !== null && { usage }) }
}

/** The answer as `chat.completion.chunk` events: roles, contents token by token, finishes, usage, `[DONE]`. */
export function* streamedAnswer(completion: Completion, script: Script): Generator<Piece> {
  const total = completion.tokens.length
  const final = completion.streamsUsage ? completion.usageAfter(total) : null
  const at = final === null ? 'none' : (script.usageAt ?? 'own')
  const event = (kind: Piece['kind'], choices: readonly unknown[], usage: string | null): Piece => {
    const members = [...head(completion, completion.isText ? 'text_completion' : 'chat.completion.chunk')]
    members.push(['choices', JSON.stringify(choices)])
    if (usage !== null || at !== 'none') members.push(['usage', usage ?? 'null'])
    return { kind, text: framed(object(members), script), ...(usage !== null && { usage }) }
  }
  const running = (tokens: number) => (at === 'every' ? completion.usageAfter(tokens) : null)

  if (at === 'start') yield event('usage', [], final)
  if (at === 'twice') yield event('usage', [], wrongUsage)
  for (const index of completion.isText ? [] : indices(completion)) {
    yield event('role', [choice(index, opening(completion), null)], running(0))
  }
  for (const [position, token] of completion.tokens.entries()) {
    const padded = position === 0 ? token + 'x'.repeat(script.paddingBytes ?? 0) : token
    for (const index of indices(completion)) {
      const part = completion.isText
        ? textChoice(index, padded, null)
        : choice(index, saying(completion, padded), null)
      yield event('content', [part], running(position + 1))
    }
  }
  for (const index of indices(completion)) {
    const isLast = index === completion.choices - 1
    const usage = at === 'finish' && isLast ? final : running(total)
    const { isText, finishReason } = completion
    const last = isText ? textChoice(index, '', finishReason) : choice(index, {}, finishReason)
    yield event('finish', [last], usage)
  }
  if (at === 'own' || at === 'twice') yield event('usage', [], final)
  if (script.done !== false) yield { kind: 'done', text: `data: [DONE]${endOfEvent(script)}` }
}

/** The body of an error as OpenAI writes it. */
export function errorAnswer(script: Script): Piece {
  const error = script.error ??
    errors[script.status ?? 500] ?? { message: 'The fake upstream was told to fail.' }
  return { kind: 'whole', text: JSON.stringify({ error }) }
}

const errors: Readonly<Record<number, JsonObject>> = {
  400: {
    message: 'Unsupported value.',
    type: 'invalid_request_error',
    param: 'temperature',
    code: 'unsupported_value',
  },
  401: {
    message: 'Incorrect API key provided.',
    type: 'invalid_request_error',
    param: null,
    code: 'invalid_api_key',
  },
  404: {
    message: 'The model does not exist.',
    type: 'invalid_request_error',
    param: null,
    code: 'model_not_found',
  },
  429: { message: 'Rate limit reached.', type: 'requests', param: null, code: 'rate_limit_exceeded' },
  500: { message: 'The server had an error.', type: 'server_error', param: null, code: null },
  503: { message: 'The engine is overloaded.', type: 'server_error', param: null, code: null },
}

function words(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const word = hello[index % hello.length] ?? ''
    return index > 0 && index % hello.length === 0 ? ` ${word}` : word
  })
}

function split(text: string, count: number): string[] {
  const characters = [...text]
  const length = Math.max(1, Math.ceil(characters.length / Math.max(1, count)))
  return Array.from({ length: Math.ceil(characters.length / length) }, (_, index) =>
    characters.slice(index * length, (index + 1) * length).join(''),
  )
}

function jsonAnswer(body: JsonObject): string | null {
  const format = asObject(body.response_format)
  if (format?.type === 'json_object') return JSON.stringify({ answer: hello.join('') })
  if (format?.type !== 'json_schema') return null
  return JSON.stringify(sampleOf(asObject(format.json_schema)?.schema))
}

function toolOf(body: JsonObject, script: Script): JsonObject | null {
  const named = asObject(asObject(body.tool_choice)?.function)?.name
  if (script.toolCalls !== true && body.tool_choice !== 'required' && named === undefined) return null
  const offered = Array.isArray(body.tools)
    ? body.tools.map((tool) => asObject(asObject(tool)?.function))
    : []
  return offered.find((tool) => named === undefined || tool?.name === named) ?? null
}

function usageText(body: JsonObject, script: Script, produced: number, isFinal: boolean): string | null {
  if (script.usage === 'absent') return null
  if (script.usage !== undefined && script.usage !== 'computed') {
    return typeof script.usage === 'string' ? script.usage : JSON.stringify(script.usage)
  }
  const reasoning = script.reasoningTokens ?? 0
  const prompt =
    script.promptTokens ??
    Math.ceil((JSON.stringify(body.messages ?? body.prompt ?? body.input) ?? '').length / 4)
  const completion = (isFinal ? script.completionTokens : undefined) ?? produced + reasoning
  return JSON.stringify({
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: script.cachedTokens ?? 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
  })
}

type Members = [name: string, json: string][]

function head(completion: Completion, kind: string): Members {
  return [
    ['id', JSON.stringify(completion.id)],
    ['object', JSON.stringify(kind)],
    ['created', String(created)],
    ['model', JSON.stringify(completion.model)],
    ...(completion.serviceTier === null ? [] : [tierMember(completion.serviceTier)]),
  ]
}

function tierMember(tier: string): Members[number] {
  return ['service_tier', JSON.stringify(tier)]
}

/** Written by hand because a member may stand twice, and usage may be text that no number can hold. */
function object(members: Members): string {
  return `{${members.map(([name, json]) => `"${name}":${json}`).join(',')}}`
}

function indices(completion: Completion): number[] {
  return Array.from({ length: completion.choices }, (_, index) => index)
}

function textChoice(index: number, text: string, finishReason: string | null): object {
  return { index, text, logprobs: null, finish_reason: finishReason }
}

function choice(index: number, delta: JsonObject, finishReason: string | null): JsonObject {
  return { index, delta, logprobs: null, finish_reason: finishReason }
}

function opening({ tool }: Completion): JsonObject {
  if (tool === null) return { role: 'assistant', content: '', refusal: null }
  const call = { index: 0, id: 'call_fake', type: 'function', function: { name: tool, arguments: '' } }
  return { role: 'assistant', content: null, tool_calls: [call] }
}

function saying({ tool }: Completion, token: string): JsonObject {
  return tool === null ? { content: token } : { tool_calls: [{ index: 0, function: { arguments: token } }] }
}

function endOfEvent({ eol = '\n' }: Script): string {
  return eol + eol
}

function framed(json: string, script: Script): string {
  const eol = script.eol ?? '\n'
  const lines = script.multiLineData === true ? ['{', json.slice(1, -1), '}'] : [json]
  const data = lines.map((line) => `data: ${line}`).join(eol)
  return `${script.comments === true ? `: still here${eol}${eol}` : ''}${data}${endOfEvent(script)}`
}
