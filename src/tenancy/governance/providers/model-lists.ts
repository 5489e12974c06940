/** Why a list of models, or of keys, is none; null where it is one. `*` stands for all, and alone. */
export function badWhitelist(list: readonly string[]): string | null {
  if (list.includes('*') && list.length > 1)
    return "wildcard '*' cannot be used with other values in the whitelist"
  const seen = new Set<string>()
  for (const item of list) {
    const folded = item.toLowerCase()
    if (seen.has(folded)) return `duplicate value '${item}' in whitelist`
    seen.add(folded)
  }
  return null
}
