/**
 * What a text must be, for whoever sends it: the configuration file and the operator's API judge by the same rule and
 * say it in the same words.
 */
export interface TextRule {
  /** Completes “must be …”. */
  readonly allowed: string
  holds(text: string): boolean
}

/** A rule that is no more than a pattern. */
export function patternRule(pattern: RegExp, allowed: string): TextRule {
  return { allowed, holds: (text) => pattern.test(text) }
}
