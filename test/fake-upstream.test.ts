import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeUpstream, type Script, startFakeUpstream } from './fake-upstream.ts'
import { isLong } from './setup/form.ts'

const messages = [{ role: 'user' as const, content: 'Hello?' }]
const promptTokens = Math.ceil(JSON.stringify(messages).length / 4)

interface Answer {
  readonly choices: readonly {
    readonly message: { readonly content: string }
    readonly finish_reason: string
  }[]
  readonly usage: { readonly completion_tokens: number }
  readonly error: { readonly code: string; readonly type: string }
}

let upstream: FakeUpstream
beforeEach(async () => {
  upstream = await startFakeUpstream()
})
afterEach(() => upstream.close())

function call(body: object = {}, signal: AbortSignal | null = null): Promise<Response> {
  return fetch(`${upstream.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'lumen', messages, ...body }),
    signal,
  })
}

function stream(fake: Script = {}, body: object = {}): Promise<Response> {
  return call({ stream: true, stream_options: { include_usage: true }, fake, ...body })
}

async function parsed(answer: Promise<Response> | Response): Promise<Answer> {
  return (await (await answer).json()) as Answer
}

async function eventsOf(answer: Response): Promise<string[]> {
  const text = await answer.text()
  return text.split(/\r\n\r\n|\n\n|\r\r/).filter((event) => event !== '')
}

/** The answer as it stands on the wire, and whether the connection ended well or by a reset. */
function rawCall(body: object): Promise<{ bytes: Buffer; end: 'fin' | 'rst' }> {
  const json = JSON.stringify({ model: 'lumen', messages, ...body })
  const received: Buffer[] = []
  return new Promise((resolve) => {
    const socket = connect(upstream.port, '127.0.0.1')
    const settle = (end: 'fin' | 'rst') => resolve({ bytes: Buffer.concat(received), end })
    socket.on('data', (bytes: Buffer) => received.push(bytes))
    socket.on('end', () => settle('fin'))
    socket.on('error', () => settle('rst'))
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
    )
  })
}

describe('what it says', () => {
  it('answers a whole completion with computed usage, the same each time', async () => {
    const [first, second] = await Promise.all([call(), call()])
    const answer = await parsed(first)
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'lumen',
      choices: [{ index: 0, message: { content: 'Hello from the fake upstream' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: promptTokens, completion_tokens: 5, total_tokens: promptTokens + 5 },
    })
    expect({ ...(await parsed(second)), id: '' }).toEqual({ ...answer, id: '' })
  })

  it('streams role, chunks, finish, usage and [DONE]', async () => {
    const events = await eventsOf(await stream({ chunks: 3 }))
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)))
    expect(chunks.map((event) => event.choices[0]?.delta.content)).toEqual([
      '',
      'Hello',
      ' from',
      ' the',
      undefined,
      undefined,
    ])
    expect(chunks.map((event) => event.usage?.completion_tokens)).toEqual([...Array(5).fill(undefined), 3])
    expect(chunks.slice(0, -1).every((event) => event.usage === null)).toBe(true)
    expect(chunks.at(-1).choices).toEqual([])
    expect(events.at(-1)).toBe('data: [DONE]')
  })

  it('reports usage in streams only where asked, unless it is told otherwise', async () => {
    expect(await (await call({ stream: true })).text()).not.toContain('usage')
    expect(await (await call({ stream: true, fake: { includeUsage: 'always' } })).text()).toContain(
      '"usage":{',
    )
    expect(await (await stream({ includeUsage: 'never' })).text()).not.toContain('usage')
  })

  it('obeys a cap or ignores it, and answers n times', async () => {
    const capped = await parsed(call({ max_tokens: 2, n: 3 }))
    expect(capped.choices.map((choice) => choice.message.content)).toEqual(Array(3).fill('Hello from'))
    expect(capped.choices[0]?.finish_reason).toBe('length')
    expect(capped.usage.completion_tokens).toBe(6)
    const greedy = await parsed(call({ max_completion_tokens: 2, fake: { obeysCap: false } }))
    expect(greedy.usage.completion_tokens).toBe(5)
  })

  it.each<[Script['usageAt'], number[]]>([
    ['start', [0]],
    ['own', [5]],
    ['finish', [4]],
    ['twice', [0, 6]],
    ['every', [0, 1, 2, 3, 4]],
  ])('places usage in a stream: %s', async (usageAt, at) => {
    const events = await eventsOf(await stream({ usageAt: usageAt ?? 'own', chunks: 3 }))
    const found = events.flatMap((event, index) => (event.includes('"usage":{') ? [index] : []))
    expect(found).toEqual(at)
    expect(upstream.requests[0]?.tokens).toEqual({ prompt: promptTokens, completion: 3 })
  })

  it('places usage in a whole answer before the choices, or twice with the right one last', async () => {
    const start = await (await call({ fake: { usageAt: 'start' } })).text()
    expect(start.indexOf('"usage"')).toBeLessThan(start.indexOf('"choices"'))
    const twice = await (await call({ fake: { usageAt: 'twice' } })).text()
    expect(twice.match(/"usage"/g)).toHaveLength(2)
    expect((JSON.parse(twice) as Answer).usage.completion_tokens).toBe(5)
  })

  it.each<[string, Script, string | null]>([
    ['absent', { usage: 'absent' }, null],
    ['null', { usage: null }, null],
    ['negative', { promptTokens: -1 }, '-1'],
    ['fractional', { completionTokens: 1.5 }, '1.5'],
    ['huge', { usage: '{"prompt_tokens":1e400,"completion_tokens":1}' }, '1e400'],
  ])('counts usage that is %s as unreported', async (_name, script, text) => {
    const whole = await (await call({ fake: script })).text()
    await eventsOf(await stream(script))
    if (text !== null) expect(whole).toContain(text)
    expect(upstream.served()).toMatchObject({
      completed: 2,
      unreported: 2,
      tokens: { prompt: 0, completion: 0 },
    })
  })

  it('reports cached and reasoning tokens as parts of the totals', async () => {
    const { usage } = await parsed(call({ fake: { promptTokens: 90, cachedTokens: 64, reasoningTokens: 7 } }))
    expect(usage).toEqual({
      prompt_tokens: 90,
      completion_tokens: 12,
      total_tokens: 102,
      prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 7, audio_tokens: 0 },
    })
  })

  it('answers errors as OpenAI does', async () => {
    upstream.script({ status: 429, headers: { 'retry-after': '7' } })
    const answer = await call()
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7'])
    expect((await parsed(answer)).error.code).toBe('rate_limit_exceeded')
    expect((await fetch(`${upstream.url}/v1/models`)).status).toBe(404)
    expect((await call({ messages: undefined })).status).toBe(400)
  })

  it('is understood by the OpenAI client: streams, tools and JSON answers', async () => {
    const client = new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const schema = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } }
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: schema } }]
    const streamed = client.chat.completions.stream({
      model: 'lumen',
      messages,
      tools,
      tool_choice: 'required',
    })
    const called = (await streamed.finalChatCompletion()).choices[0]?.message.tool_calls?.[0]
    expect(called).toMatchObject({ function: { name: 'weather', arguments: '{"city":"fake","days":1}' } })

    const format = { type: 'json_schema' as const, json_schema: { name: 'trip', schema } }
    const whole = await client.chat.completions.create({ model: 'lumen', messages, response_format: format })
    expect(JSON.parse(whole.choices[0]?.message.content ?? '')).toEqual({ city: 'fake', days: 1 })
  })
})

describe('who steers it', () => {
  it('layers options, model, body, header, queue and program, the later over the earlier', async () => {
    const layered = await startFakeUpstream({ script: { chunks: 1, promptTokens: 1 } })
    const ask = async (body: object, headers: Record<string, string> = {}) => {
      const url = `${layered.url}/openai/v1/chat/completions`
      const answer = await fetch(url, {
        method: 'POST',
        headers,
        body: JSON.stringify({ messages, ...body }),
      })
      return (await parsed(answer)).usage.completion_tokens
    }
    const header = { 'openai-fake': '{"chunks":4}' }
    const body = { model: 'm?chunks=2', fake: { chunks: 3 } }
    expect(await ask({ model: 'm' })).toBe(1)
    expect(await ask({ model: 'm?chunks=2' })).toBe(2)
    expect(await ask(body)).toBe(3)
    expect(await ask(body, header)).toBe(4)
    layered.script({ chunks: 5 }, { chunks: 6 })
    expect([await ask(body, header), await ask(body, header), await ask(body, header)]).toEqual([5, 6, 4])
    layered.program((request) => (request.path.startsWith('/openai/') ? { chunks: 7 } : undefined))
    expect(await ask(body, header)).toBe(7)
    await layered.close()
  })

  it('refuses a script it does not know', async () => {
    const answer = await call({ fake: { chunk: 3 } })
    expect(answer.status).toBe(400)
    expect((await parsed(answer)).error.type).toBe('bad_script')
  })
})

describe('the wire', () => {
  it.each<[string, Script]>([
    ['CRLF', { eol: '\r\n' }],
    ['CR', { eol: '\r' }],
    ['comments', { comments: true }],
    ['data over several lines', { multiLineData: true }],
    ['pieces of 7 bytes', { pieceBytes: 7 }],
    ['one write', { oneWrite: true }],
    ['a length', { framing: 'length' }],
    ['the end of the connection', { framing: 'close' }],
    ['gzip', { encoding: 'gzip' }],
    ['brotli', { encoding: 'br' }],
    ['deflate', { encoding: 'deflate' }],
  ])('says the same in every dress: %s', async (_name, script) => {
    const plain = await eventsOf(await stream())
    const dressed = await eventsOf(await stream(script))
    const said = (events: string[]) =>
      events
        .filter((event) => !event.startsWith(':'))
        .map((event) => event.replaceAll(/(^|\r\n|\r|\n)data: /g, ''))
        .map((data) => (data === '[DONE]' ? data : { ...JSON.parse(data), id: '' }))
    expect(said(dressed)).toEqual(said(plain))
    expect(said(plain)).toHaveLength(9)
    expect(upstream.served()).toMatchObject({ completed: 2, tokens: { completion: 10 } })
    expect(upstream.requests.map((request) => request.chunks)).toEqual([5, 5])
  })

  it('sends compressed bytes under their name, each event decodable when it arrives', async () => {
    const whole = await rawCall({ fake: { encoding: 'br', connection: 'close' } })
    expect(whole.bytes.toString('latin1')).toContain('content-encoding: br')
    const response = await new Promise<IncomingMessage>((resolve) => {
      const options = { method: 'POST', port: upstream.port, path: '/v1/chat/completions' }
      const script = { encoding: 'gzip', stallAfterChunks: 1 }
      const outgoing = httpRequest(options, resolve)
      outgoing.end(JSON.stringify({ model: 'lumen', messages, stream: true, fake: script }))
    })
    const received: Buffer[] = []
    const partly = () => gunzipSync(Buffer.concat(received), { finishFlush: 2 }).toString()
    for await (const bytes of response) {
      received.push(bytes as Buffer)
      if (partly().includes('"content":"Hello"')) upstream.resume()
    }
    expect(partly()).toContain('[DONE]')
  })

  it('compresses a whole answer', async () => {
    const options = { method: 'POST', port: upstream.port, path: '/v1/chat/completions' }
    const bytes = await new Promise<Buffer>((resolve) => {
      const outgoing = httpRequest(options, async (response) =>
        resolve(Buffer.concat(await response.toArray())),
      )
      outgoing.end(JSON.stringify({ model: 'lumen', messages, fake: { encoding: 'br' } }))
    })
    expect(JSON.parse(brotliDecompressSync(bytes).toString()).object).toBe('chat.completion')
  })

  it('pads one line to many megabytes', async () => {
    const paddingBytes = 12 * 2 ** 20
    const longest = Math.max(...(await eventsOf(await stream({ paddingBytes }))).map((event) => event.length))
    expect(longest).toBeGreaterThan(paddingBytes)
    const whole = await parsed(call({ fake: { paddingBytes } }))
    expect(whole.choices[0]?.message.content.length).toBeGreaterThan(paddingBytes)
  })

  it('writes bytes that are no HTTP, and bodies that are no JSON', async () => {
    expect(await rawCall({ fake: { raw: 'SSH-2.0-nope\r\n' } })).toEqual({
      bytes: Buffer.from('SSH-2.0-nope\r\n'),
      end: 'fin',
    })
    expect(await (await call({ fake: { body: '<html>oops' } })).text()).toBe('<html>oops')
  })
})

describe('what breaks', () => {
  it.each(['fin', 'rst'] as const)('cuts a stream after some chunks: %s', async (cutBy) => {
    const { bytes, end } = await rawCall({ stream: true, fake: { cutAfterChunks: 2, cutBy } })
    expect(end).toBe(cutBy)
    expect(bytes.toString()).toContain('"content":" from"')
    expect(bytes.toString()).not.toContain('"content":" the"')
    expect(upstream.requests[0]).toMatchObject({ outcome: 'cut', chunks: 2, tokens: null })
  })

  it.each([0, 1, 100])('cuts a whole answer after %i bytes', async (cutAfterBytes) => {
    const { bytes } = await rawCall({ fake: { cutAfterBytes } })
    expect(bytes.length - bytes.indexOf('\r\n\r\n') - 4).toBe(cutAfterBytes)
    expect(upstream.requests[0]).toMatchObject({ outcome: 'cut', usage: null })
  })

  it.each(['head', 'finish', 'usage', 'done', 'end'] as const)('cuts before the %s', async (cutBefore) => {
    const body = { stream: true, stream_options: { include_usage: true }, fake: { cutBefore } }
    const text = (await rawCall(body)).bytes.toString()
    const has = {
      head: text.includes('HTTP/1.1 200'),
      finish: text.includes('"finish_reason":"stop"'),
      usage: text.includes('"usage":{'),
      done: text.includes('[DONE]'),
      end: text.endsWith('0\r\n\r\n'),
    }
    const order = Object.keys(has)
    expect(Object.values(has)).toEqual(order.map((place) => order.indexOf(place) < order.indexOf(cutBefore)))
    expect(upstream.served()).toMatchObject({ cut: 1, tokensOfCut: { completion: has.usage ? 5 : 0 } })
  })

  it('stalls until it is resumed', async () => {
    const answer = stream({ stallBefore: 'head' })
    const request = await upstream.nextRequest()
    expect(upstream.served().open).toBe(1)
    upstream.resume()
    expect(await eventsOf(await answer)).toHaveLength(9)
    expect(await request.ended).toBe('completed')
  })

  it('notices a caller who leaves a stall', async () => {
    const leaving = new AbortController()
    const answer = await call({ stream: true, fake: { stallAfterChunks: 1 } }, leaving.signal)
    const reading = answer.text().catch(() => 'left')
    leaving.abort()
    expect(await reading).toBe('left')
    expect(await upstream.requests[0]?.ended).toBe('abandoned')
  })

  it('drops a kept connection unannounced, and keeps others', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = (fake: Script) =>
      new Promise<void>((resolve, reject) => {
        const options = { agent, method: 'POST', port: upstream.port, path: '/v1/chat/completions' }
        const outgoing = httpRequest(options, (response) => response.resume().on('close', resolve))
        outgoing.on('error', reject)
        outgoing.end(JSON.stringify({ model: 'lumen', messages, fake }))
      })
    await ask({})
    await ask({ connection: 'close' })
    await ask({})
    expect(upstream.requests.map((request) => request.connection)).toEqual([1, 1, 2])
    agent.destroy()
    expect((await rawCall({ fake: { connection: 'drop' } })).bytes.toString()).not.toContain(
      'connection: close',
    )
  })
})

const many = isLong ? 500 : 100

it(`serves ${many} streams at once and knows what each was served`, async () => {
  const streams = Array.from({ length: many }, (_, index) =>
    stream({ chunks: 1 + (index % 20), chunkDelayMs: 5, promptTokens: index }),
  )
  const ids = await Promise.all(
    streams.map(async (answer) => /"id":"([^"]+)"/.exec((await (await answer).text()) ?? '')?.[1]),
  )
  expect(new Set(ids).size).toBe(many)
  expect(ids.map((id) => upstream.find(id ?? '')?.tokens)).toEqual(
    ids.map((_, index) => ({ prompt: index, completion: 1 + (index % 20) })),
  )
  const expected = { prompt: ((many - 1) * many) / 2, completion: (many / 20) * 210 }
  expect(upstream.served()).toMatchObject({ requests: many, open: 0, completed: many, tokens: expected })
  expect(await (await fetch(`${upstream.url}/fake/served`)).json()).toEqual(upstream.served())
})
