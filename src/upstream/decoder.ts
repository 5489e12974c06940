import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'

/** A content coding that can be undone. */
export type ContentCoding = 'gzip' | 'deflate' | 'br' | 'zstd'

/** Takes what a decoder makes of a body. Nothing is called after `onEnd`, `onProblem`, or `destroy`. */
export interface DecoderSink {
  onData(part: Buffer): void
  onEnd(): void
  /** The body is not what its coding says, or unpacks to suspiciously much. The text is ours. */
  onProblem(problem: string): void
  /** After a `write` that returned false: more may be written. */
  onDrain(): void
}

/** Undoes the coding of one body. */
export interface Decoder {
  /** Copies the chunk. False if `onDrain` should be waited for. */
  write(chunk: Buffer): boolean
  end(): void
  pause(): void
  resume(): void
  destroy(): void
}

const maxRatio = 100
/** A small body may be packed tighter than the ratio allows a large one. */
const allowedBytes = 1_048_576
/** 8 MiB, the largest window that the coding allows on the web. */
const zstdWindowLog = 23

/** The coding that a Content-Encoding in lower case names; null if we cannot undo it. */
export function contentCodingOf(contentEncoding: string): ContentCoding | null {
  switch (contentEncoding) {
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'deflate':
    case 'br':
    case 'zstd':
      return contentEncoding
    default:
      return null
  }
}

/**
 * Opens a decoder. Output comes later than the input, from another thread; a body without a byte is empty.
 */
export function openDecoder(coding: ContentCoding, sink: DecoderSink): Decoder {
  let stream: Transform | null = null
  let isPaused = false
  let isOver = false
  let inBytes = 0
  let outBytes = 0

  function finish(report: () => void): void {
    if (isOver) return
    isOver = true
    stream?.destroy()
    report()
  }

  function open(firstByte: number): Transform {
    const opened = createStream(coding, firstByte)
    opened.on('data', (part: Buffer) => {
      if (isOver) return
      outBytes += part.length
      if (outBytes > Math.max(allowedBytes, inBytes * maxRatio)) {
        finish(() => sink.onProblem('unpacks to more than 100 times its size'))
      } else sink.onData(part)
    })
    opened.on('drain', () => isOver || sink.onDrain())
    opened.on('end', () => finish(sink.onEnd))
    opened.on('error', () => finish(() => sink.onProblem(`is not ${coding}, as its Content-Encoding says`)))
    if (isPaused) opened.pause()
    return opened
  }

  return {
    write(chunk) {
      if (isOver || chunk.length === 0) return true
      inBytes += chunk.length
      stream ??= open(chunk[0] ?? 0)
      return stream.write(Buffer.from(chunk))
    },
    end() {
      if (isOver) return
      if (stream === null) finish(sink.onEnd)
      else stream.end()
    },
    pause() {
      isPaused = true
      stream?.pause()
    },
    resume() {
      isPaused = false
      if (!isOver) stream?.resume()
    },
    destroy: () => finish(() => {}),
  }
}

function createStream(coding: ContentCoding, firstByte: number): Transform {
  switch (coding) {
    case 'gzip':
      return createGunzip()
    case 'deflate':
      // Some servers send deflate without the zlib header that HTTP asks for; the header's low bits tell.
      return (firstByte & 15) === 8 ? createInflate() : createInflateRaw()
    case 'br':
      return createBrotliDecompress()
    case 'zstd':
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } })
  }
}
