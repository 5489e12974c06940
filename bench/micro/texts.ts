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
