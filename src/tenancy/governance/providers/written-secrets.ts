import type { Failure } from '../../../domain/failure.ts'
import { resolveText, type Variable, variableIn } from '../routing/variables.ts'
import { isRedacted, redact } from './redaction.ts'

/**
 * What is to be stored for a secret, as it was written: a text or `env.NAME`. What comes back as it is shown stands for
 * what is there already; anything else that looks so is refused, so that no stars are ever stored.
 */
export function keptOrNew(
  given: string,
  before: string | undefined,
  member: string,
  variable: Variable,
): string | Failure {
  if (before !== undefined && given === redact(resolveText(before, variable) ?? '')) return before
  if (isRedacted(given))
    return { failure: 'invalid', message: `${member}: is not what is shown of the secret; send it whole` }
  if (/^vault\./.test(given))
    return { failure: 'invalid', message: `${member}: vaults are not supported; write it, or env.NAME` }
  return given
}

/** Texts with their variables put in. */
export interface ResolvedTexts<Value> {
  readonly value: Value
  /** The variable of each place, as `azure_key_config.client_secret`. */
  readonly envVars: Readonly<Record<string, string>>
  /** Variables that are not set. */
  readonly unset: readonly string[]
}

/** Puts variables in their places, however deep; where one is not set, the place is empty. */
export function resolveTexts<Value>(written: Value, variable: Variable): ResolvedTexts<Value> {
  const envVars: Record<string, string> = {}
  const unset: string[] = []
  const resolve = (found: unknown, path: string): unknown => {
    if (Array.isArray(found)) return found.map((item, at) => resolve(item, `${path}.${at}`))
    if (typeof found === 'object' && found !== null) {
      return Object.fromEntries(
        Object.entries(found).map(([name, item]) => [
          name,
          resolve(item, path === '' ? name : `${path}.${name}`),
        ]),
      )
    }
    const name = typeof found === 'string' ? variableIn(found) : null
    if (name === null) return found
    envVars[path] = name
    const value = variable(name)
    if (value === undefined) unset.push(name)
    return value ?? ''
  }
  return { value: resolve(written, '') as Value, envVars, unset }
}
