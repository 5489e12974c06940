import { describe, expect, it } from 'vitest'
import { openPieces } from './pieces.ts'

const bytes = Buffer.from('0123456789')

describe('openPieces', () => {
  it('has nothing to give at first, and after everything was taken', () => {
    const pieces = openPieces()
    pieces.add(bytes, 3, 3)
    expect(pieces.take()).toEqual([])
    pieces.add(bytes, 0, 1)
    pieces.take()
    expect(pieces.take()).toEqual([])
  })

  it('gives neighbours as one view, and a whole buffer as itself', () => {
    const pieces = openPieces()
    pieces.add(bytes, 2, 4)
    pieces.add(bytes, 4, 7)
    const [view] = pieces.take()
    expect(view?.toString()).toBe('23456')
    expect(view?.buffer).toBe(bytes.buffer)
    pieces.add(bytes, 0, 4)
    pieces.add(bytes, 4, 10)
    expect(pieces.take()[0]).toBe(bytes)
  })

  it('joins what is apart, in order', () => {
    const pieces = openPieces()
    pieces.add(bytes, 0, 2)
    pieces.add(bytes, 3, 4)
    pieces.add(Buffer.from('x'), 0, 1)
    pieces.add(bytes, 4, 5)
    expect(pieces.take().map(String)).toEqual(['013x4'])
  })

  it('gives long stretches as they are', () => {
    const long = Buffer.alloc(1 << 16)
    const pieces = openPieces()
    pieces.add(bytes, 0, 10)
    pieces.add(long, 0, long.length)
    const taken = pieces.take()
    expect(taken[0]).toBe(bytes)
    expect(taken[1]).toBe(long)
  })
})
