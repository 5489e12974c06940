import type { Failure } from '../domain/failure.ts'

const limitBytes = 2 ** 20

/** Reads a request's body as JSON; undefined where it is empty. Never holds more than 1 MiB of it. */
export async function readJson(request: Request): Promise<unknown> {
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
    return { failure: 'cancelled' } satisfies Failure
  }
  return sizeBytes === 0 ? undefined : parseJson(Buffer.concat(chunks))
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return { failure: 'invalid', message: 'The body is not JSON.' } satisfies Failure
  }
}
