import { patternRule, type TextRule } from './text-rule.ts'

/** Names a workspace, in headers and addresses as well. */
export const workspaceIdRule = patternRule(
  /^[a-z0-9][a-z0-9_-]{0,62}$/,
  '1 to 63 lower-case letters, digits, - and _',
)

const longestPrefix = 200

/** What slugs begin with, before the slash. */
export const slugPrefixRule: TextRule = {
  allowed: `letters, digits, and . _ ~ - after the first, at most ${longestPrefix}`,
  holds: (text) => /^[A-Za-z0-9][A-Za-z0-9._~-]*$/.test(text) && text.length <= longestPrefix,
}

const longestName = 255

/** A name for people, or one that they gave: what both databases hold as it is. */
export const nameRule: TextRule = {
  allowed: `a text of 1 to ${longestName} characters, without NUL`,
  holds(text) {
    const isHeld = text.isWellFormed() && !text.includes('\0')
    return isHeld && text.length >= 1 && text.length <= 2 * longestName && [...text].length <= longestName
  },
}
