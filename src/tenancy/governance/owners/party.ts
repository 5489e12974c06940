import type { Failure } from '../../../domain/failure.ts'
import type { LimitsInput } from '../limits/limits-plan.ts'

// What customers and teams have in common.

const longestName = 255

/** What is wrong with a name; null where it is right. `what` is who would have it. */
export function nameFault(what: 'Team' | 'Customer' | 'Virtual key', name: string): Failure | null {
  if (name.trim() === '') return invalid(`${what} name is required`)
  if (!name.isWellFormed() || name.includes('\0')) {
    return invalid(`${what} name holds characters that are not allowed`)
  }
  // Characters as people count them, not UTF-16 units.
  if (name.length > longestName && [...name].length > longestName) {
    return invalid(`${what} name must have at most ${longestName} characters`)
  }
  return null
}

/** Which members a wish has, for the audit. */
export function changedMembers({ limits, ...own }: { readonly limits: LimitsInput }): string[] {
  return [...Object.entries(own), ...Object.entries(limits)].flatMap(([name, value]) =>
    value === undefined ? [] : name,
  )
}

const largestObjectBytes = 2 ** 16

/** Free data of a team as it is stored: a JSON object, or nothing, which is an empty one. */
export function readJsonObject(field: string, value: unknown): { readonly text: string } | Failure {
  if (value === null) return { text: '{}' }
  const text = isObject(value) ? JSON.stringify(value) : null
  if (text === null || Buffer.byteLength(text) > largestObjectBytes) {
    return invalid(`${field} must be a JSON object`)
  }
  return { text }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
