/** Names and values of the process environment. Read here only; rooms are handed what they need. */
export type Environment = Readonly<Record<string, string | undefined>>

const reference = /^env\.([A-Za-z_][A-Za-z0-9_]*)$/

/** The variable that `env.NAME` names, or null when the text is a plain value. */
export function environmentReference(text: string): string | null {
  return reference.exec(text)?.[1] ?? null
}

/** What a text stands for: itself, or the variable it names. Undefined: the variable is not set or empty. */
export function resolveValue(text: string, environment: Environment): string | undefined {
  const name = environmentReference(text)
  if (name === null) return text
  return environment[name] || undefined
}
