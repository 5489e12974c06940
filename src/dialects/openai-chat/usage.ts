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
  const usage = usageObject(json)
  return usage === null ? null : parseUsage(usage)
}

/** The same of a `usage` that has been parsed. */
export function parseUsage(usage: UsageObject): Usage | null {
  const input = tokenCount(usage.prompt_tokens ?? usage.input_tokens)
  const output = tokenCount(usage.completion_tokens ?? usage.output_tokens ?? 0)
  if (input === null || output === null) return null
  const ofInput = asObject(usage.prompt_tokens_details ?? usage.input_tokens_details)
  const ofOutput = asObject(usage.completion_tokens_details ?? usage.output_tokens_details)
  return {
    input,
    output,
    cacheRead: Math.min(tokenCount(ofInput?.cached_tokens) ?? 0, input),
    cacheWrite: 0,
    reasoning: Math.min(tokenCount(ofOutput?.reasoning_tokens) ?? 0, output),
  }
}

/** A `usage` as providers spell it, or a part of one. */
export type UsageObject = Readonly<Record<string, unknown>>

/** The object of a text; null for a text of anything else. */
export function usageObject(json: Buffer | string): UsageObject | null {
  try {
    return asObject(JSON.parse(json.toString()))
  } catch {
    return null
  }
}

/** A value as an object; null for anything else. */
export function asObject(value: unknown): UsageObject | null {
  return typeof value === 'object' && value !== null ? (value as UsageObject) : null
}

/** A count of tokens as reported; null for what cannot be one. */
export function tokenCount(value: unknown): number | null {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= highestCount
    ? Math.abs(value as number)
    : null
}
