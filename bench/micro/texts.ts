const words =
  'the quick brown fox jumps over a lazy dog while seven wizards calmly brew tea and wait for rain'.split(' ')

/** A chat request of about `bytes` bytes in eight messages of plain prose. */
export function proseRequest(bytes: number): Buffer {
  return chatRequest(bytes, (length) => {
    let text = ''
    for (let i = 0; text.length < length; i += 1) text += `${words[(i * 7) % words.length]} `
    return text
  })
}

/**
 * A chat request of about `bytes` bytes whose text has an escape every dozen bytes, as source code in JSON
 * has.
 */
export function codeRequest(bytes: number): Buffer {
  return chatRequest(bytes, (length) => {
    let text = ''
    for (let i = 0; text.length < (length * 7) / 8; i += 1)
      text += `const ${words[i % words.length]} = "${i}"\n\t`
    return text
  })
}

/** A stream of `events` content events, its usage and its end, one event in each chunk. */
export function chatStreamChunks(events: number): Buffer[] {
  const chunks: Buffer[] = []
  for (let i = 0; i < events; i += 1) {
    const finish = i === events - 1 ? 'stop' : null
    const delta = finish ? {} : { content: ` ${words[i % words.length]}` }
    chunks.push(event([{ index: 0, delta, logprobs: null, finish_reason: finish }], null))
  }
  chunks.push(event([], { prompt_tokens: 812, completion_tokens: events, total_tokens: 812 + events }))
  chunks.push(Buffer.from('data: [DONE]\n\n'))
  return chunks
}

/** A short whole answer, as one comes from an OpenAI-compatible upstream. */
export function completion(): Buffer {
  const message = {
    role: 'assistant',
    content: 'Seven wizards "calmly" brew tea.\n',
    refusal: null,
    annotations: [],
  }
  return Buffer.from(
    JSON.stringify({
      id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
      object: 'chat.completion',
      created: 1741569952,
      model: 'gpt-4o-2024-08-06',
      choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 19,
        completion_tokens: 10,
        total_tokens: 29,
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      },
      service_tier: 'default',
      system_fingerprint: 'fp_fc9f1d7035',
    }),
  )
}

/** The bytes in chunks of `length`, the last one shorter. */
export function chunksOf(bytes: Buffer, length: number): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += length) chunks.push(bytes.subarray(at, at + length))
  return chunks
}

function event(choices: unknown[], usage: unknown): Buffer {
  const head = {
    id: 'chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG',
    object: 'chat.completion.chunk',
    created: 1741570283,
  }
  const model = 'gpt-4o-2024-08-06'
  const body = {
    ...head,
    model,
    service_tier: 'default',
    system_fingerprint: 'fp_fc9f1d7035',
    choices,
    usage,
  }
  return Buffer.from(`data: ${JSON.stringify(body)}\n\n`)
}

function chatRequest(bytes: number, write: (length: number) => string): Buffer {
  const content = write((bytes - 350) / 8)
  const messages = Array.from({ length: 8 }, (_, i) => ({ role: i % 2 ? 'assistant' : 'user', content }))
  return Buffer.from(JSON.stringify({ model: 'aurora/lumen-2', messages, stream: true, max_tokens: 512 }))
}
