/** Names and values of the process environment. Read here only; rooms are handed what they need. */
export type Environment = Readonly<Record<string, string | undefined>>

const reference = /^env\.([A-Za-z_][A-Za-z0-9_]*)$/

/** The variable that `env.NAME` names, or null when the text is a plain value. */
export function environmentReference(text: string): string | null {
  return reference.exec(text)?.[1] ?? null
}

/** A place in the file, and the variable named there. */
export interface NamedVariable {
  readonly path: readonly PropertyKey[]
  readonly name: string
}

/** A value of the file with its variables put in. */
export interface Resolved {
  readonly value: unknown
  /** Where a variable's value stands now: faults must not repeat it. */
  readonly taken: readonly NamedVariable[]
  /** Not set, or empty; `env.NAME` still stands there. */
  readonly unset: readonly NamedVariable[]
}

/**
 * Puts variables in the place of every `env.NAME` that is a whole text. `typeAt` says what a place holds, as JSON
 * Schema names it: a variable is text, and where a number or a truth value belongs it is read as one. `keepsAt` says
 * where the name itself is wanted, and where a text is nobody's reference, whatever it looks like.
 */
export function resolveReferences(
  value: unknown,
  environment: Environment,
  typeAt: (path: readonly PropertyKey[]) => string | undefined,
  keepsAt: (path: readonly PropertyKey[]) => 'name' | 'text' | null = () => null,
): Resolved {
  const taken: NamedVariable[] = []
  const unset: NamedVariable[] = []
  const resolve = (found: unknown, path: readonly PropertyKey[]): unknown => {
    const keeps = keepsAt(path)
    if (keeps === 'text') return found
    if (Array.isArray(found)) return found.map((item, index) => resolve(item, [...path, index]))
    if (typeof found === 'object' && found !== null) {
      return Object.fromEntries(
        Object.entries(found).map(([key, item]) => [key, resolve(item, [...path, key])]),
      )
    }
    const name = typeof found === 'string' ? environmentReference(found) : null
    if (name === null) return found
    const text = environment[name] ?? ''
    if (text === '') {
      unset.push({ path, name })
      return found
    }
    if (keeps === 'name') return found
    taken.push({ path, name })
    return readAs(typeAt(path), text)
  }
  return { value: resolve(value, []), taken, unset }
}

/** The text itself where it is no such thing: then the schema refuses it. */
function readAs(type: string | undefined, text: string): unknown {
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  if ((type === 'number' || type === 'integer') && /^\d+(\.\d+)?$/.test(text)) return Number(text)
  return text
}

/** What a text stands for: itself, or the variable it names. Undefined: the variable is not set or empty. */
export function resolveValue(text: string, environment: Environment): string | undefined {
  const name = environmentReference(text)
  return name === null ? text : environment[name] || undefined
}
