import type { Failure } from '../domain/failure.ts'
import { noObject, type ReadBody, readText } from './read-json.ts'

/** A number of a JSON text, digit for digit. Written as JSON, it is a number again. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): number {
    return Number(this.text)
  }
}

/**
 * Parses a body that must be an object. Numbers that stand under a name which `isExact` keep their digits: a double
 * cannot hold every amount of money that JSON can.
 */
export function parseExactJson(bytes: Buffer, isExact: (name: string) => boolean): ReadBody | Failure {
  if (bytes.length === 0) return { json: undefined }
  const text = readText(bytes)
  if (text === null) return noObject
  try {
    const json: unknown = JSON.parse(text, (name, value, context?: { readonly source?: string }) =>
      typeof value === 'number' && isExact(name) ? new JsonNumber(context?.source ?? String(value)) : value,
    )
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { json } : noObject
  } catch {
    return noObject
  }
}
