import { openCapture } from './capture.ts'
import { openKept } from './kept.ts'
import { type Member, scanMembers, wantMembers } from './scan.ts'
import { openWalk } from './walk.ts'

const longestUsageBytes = 1 << 20
const wanted = wantMembers('model', 'usage')

/** An answer as it goes out, and its last `usage`. */
export interface StampedAnswer {
  readonly bytes: Buffer
  readonly usage: Buffer | null
}

/**
 * Does with an answer that came in one piece what `openAnswer` does with one in chunks, at a third of the cost. What is
 * no plain object, or has a member twice, is left to the other.
 */
export function stampAnswer(answer: Buffer, stampModel: Buffer | null): StampedAnswer {
  const end = scanMembers(answer, 0, answer.length, wanted)
  if (end < 0 || wanted.earlier.length > 0) {
    const relay = openAnswer(stampModel)
    return { bytes: Buffer.concat(relay.push(answer)), usage: relay.usage() }
  }
  const { model, usage } = wanted.found
  const isLong = usage.valueEnd - usage.valueStart > longestUsageBytes
  return {
    bytes: model.keyStart < 0 || stampModel === null ? answer : replaced(answer, model, stampModel),
    usage: usage.keyStart < 0 || isLong ? null : answer.subarray(usage.valueStart, usage.valueEnd),
  }
}

function replaced(answer: Buffer, { valueStart, valueEnd }: Member, value: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(answer.length - (valueEnd - valueStart) + value.length)
  answer.copy(bytes, 0, 0, valueStart)
  value.copy(bytes, valueStart)
  answer.copy(bytes, valueStart + value.length, valueEnd)
  return bytes
}

/** A whole answer on its way through. */
export interface AnswerRelay {
  /** What goes out for `chunk`: views of it and stamps, good until the chunk's memory is used again. */
  push(chunk: Buffer): Buffer[]
  /** The bytes of the last `usage` that has ended so far; null without one, or where it is above 1 MiB. */
  usage(): Buffer | null
}

/**
 * Relays a JSON answer that arrives in chunks, however it is cut, acting on members of the outermost object
 * only.
 *
 * The value of `model`, whatever it is, gives way to `stampModel` (a JSON value; null leaves it), and `usage`
 * is noted. Nothing is held back and nothing else changes: what is no object passes as it is, and so does the
 * rest of an answer from where it stops being JSON.
 */
export function openAnswer(stampModel: Buffer | null): AnswerRelay {
  const currentUsage = openCapture(longestUsageBytes)
  const kept = openKept()
  let isUsage = false
  let usage: Buffer | null = null

  const walk = openWalk(wanted.keys, {
    valueBegins(name, chunk, at) {
      isUsage = name === 'usage'
      if (isUsage) currentUsage.begin()
      if (name !== 'model' || stampModel === null) return
      kept.keep(chunk, at)
      kept.put(stampModel)
      kept.drop()
    },
    valuePart(chunk, from, to) {
      if (isUsage) currentUsage.add(chunk, from, to)
    },
    valueEnds(at) {
      if (isUsage) usage = currentUsage.bytes()
      kept.resume(at)
    },
  })

  return {
    push(chunk) {
      const pieces = kept.begin()
      walk.push(chunk)
      kept.keep(chunk, chunk.length)
      return pieces
    },
    usage: () => usage,
  }
}
