/** Looks a variable of the process environment up; undefined where it is not set, or empty. */
export type Variable = (name: string) => string | undefined

const reference = /^env\.([A-Za-z_][A-Za-z0-9_]*)$/

/** The variable that `env.NAME` names; null for a plain text. */
export function variableIn(text: string): string | null {
  return reference.exec(text)?.[1] ?? null
}

/** What a text stands for: itself, or the value of the variable that it names. */
export function resolveText(text: string, variable: Variable): string | undefined {
  const name = variableIn(text)
  return name === null ? text : variable(name) || undefined
}
