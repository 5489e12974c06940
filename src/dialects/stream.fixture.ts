import { expect } from 'vitest'
import { byteByByte } from '../json/texts.arbitrary.ts'
import type { NativeStep, StreamFailure } from './stream-outlet.ts'

/** A stream of any dialect, as far as a relay pushes it. */
interface PushedStream {
  push(chunk: Buffer): NativeStep
  end(): NativeStep
}

/** What went out of a stream, and why it failed. */
export interface RelayedStream {
  readonly now: string
  readonly terminal: string
  readonly failure: StreamFailure | null
}

/** Relays with every chunk in the same memory, as a shared read buffer would be. */
export function relayInSharedMemory(stream: PushedStream, chunks: readonly Buffer[]): RelayedStream {
  const shared = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)))
  const now: Buffer[] = []
  const terminal: Buffer[] = []
  const failures: StreamFailure[] = []
  const take = (step: NativeStep) => {
    now.push(Buffer.from(Buffer.concat([...step.now])))
    terminal.push(Buffer.from(Buffer.concat([...step.terminal])))
    if (step.failure !== null) failures.push(step.failure)
  }
  for (const chunk of chunks) {
    chunk.copy(shared)
    take(stream.push(shared.subarray(0, chunk.length)))
    shared.fill('"')
  }
  take(stream.end())
  expect(failures.length).toBeLessThan(2)
  return {
    now: Buffer.concat(now).toString(),
    terminal: Buffer.concat(terminal).toString(),
    failure: failures[0] ?? null,
  }
}

/** Expects the same of a text in one piece, cut in two at any byte, and byte by byte. */
export function relayInEveryWay<Relayed extends RelayedStream>(
  text: string,
  relay: (chunks: readonly Buffer[]) => Relayed,
): Relayed & { readonly text: string } {
  const bytes = Buffer.from(text)
  const whole = relay([bytes])
  for (let cut = 0; cut <= bytes.length; cut += 1)
    expect(relay([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole)
  expect(relay(byteByByte(bytes))).toEqual(whole)
  return { ...whole, text: whole.now + whole.terminal }
}
