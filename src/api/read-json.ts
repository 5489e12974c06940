import type { Failure } from '../domain/failure.ts'

const limitBytes = 2 ** 20

/** A body as JSON. Boxed, because what a caller sends may look like anything, a failure of ours included. */
export interface ReadBody {
  /** Undefined where the body is empty. */
  readonly json: unknown
}

/** Reads a request's body. Never holds more than 1 MiB of it. */
export async function readJson(request: Request): Promise<ReadBody | Failure> {
  const tooLarge: Failure = { failure: 'body_too_large', limitBytes }
  if (Number(request.headers.get('content-length')) > limitBytes) return tooLarge
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of request.body ?? []) {
      sizeBytes += chunk.length
      if (sizeBytes > limitBytes) return tooLarge
      chunks.push(chunk)
    }
  } catch {
    return { failure: 'cancelled' }
  }
  return sizeBytes === 0 ? { json: undefined } : parseJson(Buffer.concat(chunks))
}

function parseJson(bytes: Buffer): ReadBody | Failure {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
  } catch {
    return { failure: 'invalid', message: 'The body is not JSON.' }
  }
}
