import type { Member } from '../../json/scan.ts'

/** Where a call may go next, as the caller wrote it: a provider in front of `model` is not taken apart. */
export interface Fallback {
  /** Null where the caller named none beside the model. */
  readonly provider: string | null
  readonly model: string
}

/**
 * Reads `fallbacks`: texts, or objects with a `model` and perhaps a `provider`. What is neither is left out, for a slip
 * in the list of what to do when all else fails should not make the call fail.
 */
export function readFallbacks(body: Buffer, member: Member | null): readonly Fallback[] {
  if (member === null) return []
  const entries = parse(body.toString('utf8', member.valueStart, member.valueEnd))
  return Array.isArray(entries) ? entries.map(fallbackOf).filter((fallback) => fallback !== null) : []
}

function fallbackOf(entry: unknown): Fallback | null {
  if (typeof entry === 'string') return entry === '' ? null : { provider: null, model: entry }
  if (typeof entry !== 'object' || entry === null) return null
  const { provider, model } = entry as { readonly provider?: unknown; readonly model?: unknown }
  if (typeof model !== 'string' || model === '') return null
  if (provider === undefined || provider === null) return { provider: null, model }
  return typeof provider === 'string' && provider !== '' ? { provider, model } : null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
