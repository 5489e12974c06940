import { RE2JS } from '@bufbuild/re2'

/** A regular expression in RE2's language, which no text makes run longer than its length times the pattern's. */
export interface Pattern {
  /** Steps that matching a text takes at the most: characters times instructions. */
  readonly instructions: number
  /** Whether the pattern stands anywhere in the text. */
  test(text: string): boolean
}

/** Counted repetitions are written out when a pattern is compiled; these bound that work and what comes of it. */
const maxRepetitions = 200
const maxInstructions = 500

/** States of the automaton that a pattern may keep between two texts; each takes about a kilobyte. */
const maxStatesKept = 200

/** The pattern that a text stands for, or why there is none. */
export function compilePattern(text: string): Pattern | { readonly fault: string } {
  if (repetitionsIn(text) > maxRepetitions)
    return { fault: `pattern '${text}' repeats more than ${maxRepetitions} times` }
  let regex: RE2JS
  try {
    regex = RE2JS.compile(text)
  } catch (error) {
    // The library's only way to refuse a pattern.
    return { fault: error instanceof Error ? error.message : `pattern '${text}' is invalid` }
  }
  const instructions = regex.re2().prog.numInst()
  if (instructions > maxInstructions) return { fault: `pattern '${text}' is too large` }
  return {
    instructions,
    test(candidate) {
      const isMatch = regex.test(candidate)
      // The automaton grows with what it reads, and would keep what a hostile text has made of it.
      if (regex.re2().dfa.stateCount > maxStatesKept) regex = RE2JS.compile(text)
      return isMatch
    },
  }
}

/** The sum of all counts, as `{2}`, `{2,}` and `{2,5}` name them. */
function repetitionsIn(text: string): number {
  let sum = 0
  for (const [, least, most] of text.matchAll(/\{(\d+)(?:,(\d*))?\}/g))
    sum += Math.max(Number(least), Number(most ?? 0))
  return sum
}
