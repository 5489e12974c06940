/** What is wrong with a list of names of which `*` alone means all; null where it is right. */
export function nameListFault(names: readonly string[]): string | null {
  if (names.includes('*') && names.length > 1) {
    return "wildcard '*' cannot be used with other values in the whitelist"
  }
  const seen = new Set<string>()
  for (const name of names) {
    const folded = name.toLowerCase()
    if (seen.has(folded)) return `duplicate value '${name}' in whitelist`
    seen.add(folded)
  }
  return null
}
