import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { type BrotliCompress, createBrotliCompress, createDeflate, createGzip, type Gzip } from 'node:zlib'
import type { Piece } from './completion.ts'
import type { Place, Script } from './script.ts'

/** How a request ended: answered to the last byte, cut as its script said, or left by the caller. */
export type End = 'completed' | 'cut' | 'abandoned'

/** One request being answered. */
export interface Exchange {
  readonly response: ServerResponse
  /** Settles when the request has ended, however that came about. */
  readonly ended: Promise<End>
  isOver(): boolean
  /** Settles at the next `resume()`. */
  resumed(): Promise<void>
  /** Takes note that these pieces went out whole. */
  sent(pieces: readonly Piece[]): void
  end(how: End): void
}

/** Writes an answer as its script has it. Settles when nothing more will be written. */
export async function deliver(pieces: Iterable<Piece>, script: Script, exchange: Exchange): Promise<void> {
  const { response } = exchange
  if (script.headDelayMs !== undefined) await sleep(script.headDelayMs, undefined, { ref: false })
  if (await stops('head', script, exchange)) return
  if (script.raw !== undefined) {
    response.socket?.write(Buffer.from(script.raw, 'latin1'))
    return cut(script, exchange)
  }
  const isOver =
    script.oneWrite === true
      ? await writeAtOnce([...pieces], script, exchange)
      : await writeBody(pieces, script, exchange)
  if (isOver) return
  if (await stops('end', script, exchange)) return
  response.end()
}

async function writeAtOnce(pieces: readonly Piece[], script: Script, exchange: Exchange): Promise<boolean> {
  const all: Piece = { kind: 'whole', text: pieces.map((piece) => piece.text).join('') }
  const isOver = await writeBody([all], script, exchange)
  if (!isOver) exchange.sent(pieces)
  return isOver
}

/** True where the answer stopped short. */
async function writeBody(parts: Iterable<Piece>, script: Script, exchange: Exchange): Promise<boolean> {
  const encoder = script.encoding === undefined ? null : openEncoder(script.encoding)
  const body = boundedWriter(script, exchange)
  let chunks = 0
  let hasStalled = false
  for (const piece of parts) {
    if (exchange.isOver()) return true
    const isHeadAlone = piece.kind !== 'whole' || script.cutAfterBytes === 0
    if (isHeadAlone && !exchange.response.headersSent) exchange.response.flushHeaders()
    if (await stops(piece.kind, script, exchange)) return true
    if (script.cutAfterChunks !== undefined && chunks >= script.cutAfterChunks)
      return wasCut(script, exchange)
    if (!hasStalled && script.stallAfterChunks !== undefined && chunks >= script.stallAfterChunks) {
      hasStalled = true
      await stall(exchange)
    }
    if (piece.kind === 'content') {
      if (chunks > 0 && script.chunkDelayMs !== undefined)
        await sleep(script.chunkDelayMs, undefined, { ref: false })
      chunks += 1
    }
    const bytes = Buffer.from(piece.text)
    if (!(await body.write(encoder === null ? bytes : await encoder.push(bytes)))) return true
    exchange.sent([piece])
  }
  if (encoder !== null && !(await body.write(await encoder.end()))) return true
  return exchange.isOver()
}

/** Stalls or cuts where the script has one before this place. True where the answer is over. */
async function stops(place: Place | Piece['kind'], script: Script, exchange: Exchange): Promise<boolean> {
  if (script.stallBefore === place) await stall(exchange)
  if (script.cutBefore === place && !exchange.isOver()) await cut(script, exchange)
  return exchange.isOver()
}

async function stall(exchange: Exchange): Promise<void> {
  await Promise.race([exchange.resumed(), exchange.ended])
}

async function wasCut(script: Script, exchange: Exchange): Promise<true> {
  await cut(script, exchange)
  return true
}

async function cut(script: Script, exchange: Exchange): Promise<void> {
  const { socket } = exchange.response
  if (script.cutBy === 'hang') {
    await exchange.ended
    return
  }
  if (script.cutBy === 'rst') await sleep(20, undefined, { ref: false })
  exchange.end('cut')
  if (script.cutBy === 'rst') socket?.resetAndDestroy()
  else socket?.destroySoon()
}

/** Writes up to `cutAfterBytes` of the body, in pieces where the script wants them. False where that ended it. */
function boundedWriter(script: Script, exchange: Exchange) {
  const { response } = exchange
  let left = script.cutAfterBytes ?? Number.POSITIVE_INFINITY
  return {
    async write(bytes: Buffer): Promise<boolean> {
      const allowed = bytes.subarray(0, left)
      const step = script.pieceBytes ?? allowed.length
      for (let at = 0; at < allowed.length; at += step) {
        if (exchange.isOver()) return false
        const hasRoom = response.write(allowed.subarray(at, at + step))
        if (!hasRoom) await Promise.race([drained(response), exchange.ended])
        if (script.pieceBytes !== undefined) await nextTurn()
      }
      left -= allowed.length
      if (left > 0) return !exchange.isOver()
      await cut(script, exchange)
      return false
    },
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('drain', resolve))
}

/** Compresses a body piece by piece; each push returns bytes from which that piece can be decoded. */
function openEncoder(encoding: NonNullable<Script['encoding']>) {
  const make = { gzip: createGzip, br: createBrotliCompress, deflate: createDeflate }
  const stream: Gzip | BrotliCompress = make[encoding]()
  const out: Buffer[] = []
  const take = () => Buffer.concat(out.splice(0))
  stream.on('data', (bytes: Buffer) => out.push(bytes))
  return {
    push: (bytes: Buffer) =>
      new Promise<Buffer>((resolve) => {
        stream.write(bytes)
        stream.flush(() => resolve(take()))
      }),
    end: () =>
      new Promise<Buffer>((resolve) => {
        stream.once('end', () => resolve(take()))
        stream.end()
      }),
  }
}
