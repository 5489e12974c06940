/** A place in a list where stands what stood there already, and where it stood first. */
export interface Repeated {
  readonly at: number
  readonly firstAt: number
}

/** The first entry of a list that is one of those before it; null where all differ. */
export function repeatedIn(names: readonly string[]): Repeated | null {
  const seen = new Map<string, number>()
  for (const [at, name] of names.entries()) {
    const firstAt = seen.get(name)
    if (firstAt !== undefined) return { at, firstAt }
    seen.set(name, at)
  }
  return null
}
