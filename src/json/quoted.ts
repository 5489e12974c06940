/** Names that come again with every call: bounded, and simply begun anew when full. */
const quotes = new Map<string, string>()
const quotesKept = 10_000

/** The JSON string of a name that comes often. */
export function quoted(name: string): string {
  const known = quotes.get(name)
  if (known !== undefined) return known
  if (quotes.size >= quotesKept) quotes.clear()
  const made = JSON.stringify(name)
  quotes.set(name, made)
  return made
}
