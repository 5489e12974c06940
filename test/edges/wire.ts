import { connect, type Socket } from 'node:net'

/** An answer as it came over the wire. Interim ones (100) have no body. */
export interface WireAnswer {
  readonly status: number
  /** The first value under a name in lower case; null if there is none. */
  header(name: string): string | null
  /** Names in lower case, in the order of their arrival. */
  readonly headerNames: readonly string[]
  readonly body: Buffer
  json(): unknown
}

/** A client that sends bytes as told, and reads whatever answers come. */
export interface Wire {
  readonly socket: Socket
  send(bytes: string | Buffer): void
  /** The next answer, whole. Rejects if the connection ends before it does. */
  answer(): Promise<WireAnswer>
  /** How the connection ends. Rejects if bytes come that were not read as answers. */
  closed(): Promise<'end' | 'reset'>
}

/** Connects to the gateway at `url`. */
export function dial(url: string): Wire {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  let unread = Buffer.alloc(0)
  let ending: 'end' | 'reset' | null = null
  let look = () => {}
  socket.setNoDelay(true)
  socket.on('data', (piece) => {
    unread = Buffer.concat([unread, piece])
    look()
  })
  const end = (how: 'end' | 'reset') => {
    ending ??= how
    look()
  }
  socket.on('error', () => end('reset'))
  socket.on('end', () => {
    end('end')
    socket.end()
  })
  socket.on('close', () => end('end'))

  /** Looks at each arrival until `find` has found something; it says undefined while it needs more. */
  function wait<Found>(find: () => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      look = () => {
        try {
          const found = find()
          if (found === undefined) return
          look = () => {}
          resolve(found)
        } catch (fault) {
          look = () => {}
          reject(fault)
        }
      }
      look()
    })
  }

  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    answer: () =>
      wait(() => {
        const read = readAnswer(unread, ending !== null)
        if (read !== null) {
          unread = unread.subarray(read.length)
          return read.answer
        }
        if (ending === null) return undefined
        throw new Error(`the connection ended (${ending}) with ${JSON.stringify(unread.toString('latin1'))}`)
      }),
    closed: () =>
      wait(() => {
        if (unread.length > 0) throw new Error(`unread: ${JSON.stringify(unread.toString('latin1'))}`)
        return ending ?? undefined
      }),
  }
}

/** The answer that `bytes` begin with, and its length; null while it is not whole. */
function readAnswer(bytes: Buffer, isOver: boolean): { answer: WireAnswer; length: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(statusLine)?.[1])
  if (Number.isNaN(status)) throw new Error(`not a status line: ${statusLine}`)
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  const header = (name: string) => headers.find(([known]) => known === name)?.[1] ?? null
  const start = headEnd + 4
  const framed = status < 200 ? { body: Buffer.alloc(0), end: start } : readBody(bytes, start, header, isOver)
  if (framed === null) return null
  const { body, end } = framed
  const headerNames = headers.map(([name]) => name)
  const json = (): unknown => JSON.parse(body.toString())
  return { answer: { status, header, headerNames, body, json }, length: end }
}

function readBody(
  bytes: Buffer,
  start: number,
  header: (name: string) => string | null,
  isOver: boolean,
): { body: Buffer; end: number } | null {
  if (header('transfer-encoding') === 'chunked') return readChunks(bytes, start)
  const declared = header('content-length')
  if (declared === null) return isOver ? { body: bytes.subarray(start), end: bytes.length } : null
  const end = start + Number(declared)
  return bytes.length < end ? null : { body: bytes.subarray(start, end), end }
}

function readChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | null {
  const chunks: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const dataEnd = lineEnd + 2 + size
    if (bytes.length < dataEnd + 2) return null
    if (size === 0) return { body: Buffer.concat(chunks), end: dataEnd + 2 }
    chunks.push(bytes.subarray(lineEnd + 2, dataEnd))
    at = dataEnd + 2
  }
}

/** A request head and its body, with the lines as they are given. */
export function request(line: string, headers: readonly string[], body: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from([line, ...headers, '', ''].join('\r\n'), 'latin1'), Buffer.from(body)])
}
