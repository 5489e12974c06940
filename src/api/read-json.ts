import { type Failure, isFailure } from '../domain/failure.ts'

const limitBytes = 2 ** 20

/** A body as JSON. Boxed, because what a caller sends may look like anything, a failure of ours included. */
export interface ReadBody {
  /** Undefined where the body is empty. */
  readonly json: unknown
}

/** Reads a request's body as it came. Never holds more than 1 MiB of it. */
export async function readBytes(request: Request): Promise<Buffer | Failure> {
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
  return Buffer.concat(chunks)
}

/** Parses a body. */
export function parseJson(bytes: Buffer): ReadBody | Failure {
  if (bytes.length === 0) return { json: undefined }
  try {
    return { json: JSON.parse(readText(bytes) ?? '') }
  } catch {
    return { failure: 'invalid', message: 'The body is not JSON.' }
  }
}

/** As `parseJson`, of a door whose bodies are objects; whatever is none is told the same. */
export function parseObject(bytes: Buffer, isOptional: boolean): ReadBody | Failure {
  const read = parseJson(bytes)
  if (isFailure(read)) return noObject
  const { json } = read
  if (json === undefined) return isOptional ? read : noObject
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? read : noObject
}

export const noObject: Failure = { failure: 'invalid', message: 'Invalid JSON' }

/** Null where the bytes are no UTF-8. */
export function readText(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
