import type { Usage } from '../../domain/usage.ts'

/** No model counts higher: above this a report is garbage. */
const highestCount = 2 ** 40

/**
 * Reads the `usage` object of an OpenAI answer, given as the text of that object.
 *
 * Takes the names of chat and completions (`prompt_tokens`) and those of newer operations (`input_tokens`).
 * Without output, as embeddings report it, output is 0. Null, for "not reported", if there is no input count,
 * or if input or output is no integer in [0, 2^40]; a detail that is none counts as 0. Details above their
 * total are cut to it.
 */
export function readUsage(json: Buffer | string): Usage | null {
  const usage = parseObject(json)
  const input = count(usage?.prompt_tokens ?? usage?.input_tokens)
  const output = count(usage?.completion_tokens ?? usage?.output_tokens ?? 0)
  if (input === null || output === null) return null
  const ofInput = asObject(usage?.prompt_tokens_details ?? usage?.input_tokens_details)
  const ofOutput = asObject(usage?.completion_tokens_details ?? usage?.output_tokens_details)
  return {
    input,
    output,
    cacheRead: Math.min(count(ofInput?.cached_tokens) ?? 0, input),
    cacheWrite: 0,
    reasoning: Math.min(count(ofOutput?.reasoning_tokens) ?? 0, output),
  }
}

type JsonObject = Readonly<Record<string, unknown>>

function parseObject(json: Buffer | string): JsonObject | null {
  try {
    return asObject(JSON.parse(json.toString()))
  } catch {
    return null
  }
}

function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : null
}

function count(value: unknown): number | null {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= highestCount
    ? Math.abs(value as number)
    : null
}
