import type { Failure } from '../../domain/failure.ts'

/** So many characters name a registered key: they are shown, the rest is its secret. */
export const registeredPrefixLength = 16

/**
 * A key that a lab has issued itself: 32 to 128 characters that fit into a header, and not too much alike. The failure
 * says nothing of the key.
 */
export function registrableKey(key: string): Failure | null {
  if (key.length < 32 || key.length > 128) return invalid('must have 32 to 128 characters')
  if (!/^[\x21-\x7e]+$/.test(key)) return invalid('must consist of printable ASCII characters without spaces')
  if (!hasThreeBitsPerCharacter(key)) return invalid('must have at least 3 bits of entropy per character')
  return null
}

/**
 * Whether the Shannon entropy of a text's own characters is at least 3 bits each: log2 n − Σ c·log2 c / n ≥ 3, where c
 * counts each of them among n. Raised to a power both sides are whole numbers, so a text at exactly 3 bits passes
 * whatever its counts are.
 */
function hasThreeBitsPerCharacter(text: string): boolean {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  const length = BigInt(text.length)
  let alike = 8n ** length
  for (const count of counts.values()) alike *= BigInt(count) ** BigInt(count)
  return length ** length >= alike
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message: `key: ${message}` }
}
