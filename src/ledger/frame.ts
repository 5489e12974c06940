import { crc32 } from 'node:zlib'

const headerBytes = 8

/** No record comes near it, so a length above it is damage, not data. */
const maxRecordBytes = 4 * 2 ** 20

/** The room to leave for the frame of a text, whatever its characters. */
export function frameBound(text: string): number {
  return headerBytes + text.length * 3
}

/**
 * Writes a record's frame, u32 length, u32 CRC-32 (both little-endian) and the text in UTF-8, and returns where it
 * ends. The buffer must have the room that `frameBound` tells.
 */
export function writeFrame(buffer: Buffer, start: number, text: string): number {
  const length = buffer.write(text, start + headerBytes)
  if (length > maxRecordBytes) throw new RangeError(`a ledger record of ${length} bytes`)
  const end = start + headerBytes + length
  buffer.writeUInt32LE(length, start)
  buffer.writeUInt32LE(crc32(buffer.subarray(start + headerBytes, end)), start + 4)
  return end
}

/**
 * Where the frame at `start` ends; `torn` when the bytes run out within it, `bad` when they are there but damaged.
 * An empty record counts as damaged: zeros are what a disk may leave behind after power was lost.
 */
export function frameEnd(buffer: Buffer, start: number): number | 'torn' | 'bad' {
  if (start + headerBytes > buffer.length) return 'torn'
  const length = buffer.readUInt32LE(start)
  if (length === 0 || length > maxRecordBytes) return 'bad'
  const end = start + headerBytes + length
  if (end > buffer.length) return 'torn'
  return crc32(buffer.subarray(start + headerBytes, end)) === buffer.readUInt32LE(start + 4) ? end : 'bad'
}

/** Whether a whole frame begins somewhere behind `start`: then what stands there is damaged, not merely cut short. */
export function hasFrameBehind(buffer: Buffer, start: number): boolean {
  for (let next = start + 1; next < buffer.length; next++) {
    if (typeof frameEnd(buffer, next) === 'number') return true
  }
  return false
}

/** The text of the frame that `frameEnd` found whole. */
export function frameText(buffer: Buffer, start: number, end: number): string {
  return buffer.toString('utf8', start + headerBytes, end)
}
