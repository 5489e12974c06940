import { patternRule, type TextRule } from './text-rule.ts'

/** A key that callers present to us: it has to fit into a header. */
export const workspaceKeyRule = patternRule(
  /^[\x21-\x7e]{1,512}$/,
  'a text of 1 to 512 printable ASCII characters without spaces',
)

/** As above, and not to be guessed. */
export const adminKeyRule = patternRule(
  /^[\x21-\x7e]{16,512}$/,
  'a text of 16 to 512 printable ASCII characters without spaces',
)

/** A key that we present to a model: it goes into a header. */
export const upstreamKeyRule = patternRule(
  /^[\x21-\x7e]{1,8192}$/,
  'a text of 1 to 8192 printable ASCII characters without spaces',
)

const longestSecret = 65_536

/** A provider's credential, which may be a whole document. */
export const secretRule: TextRule = {
  allowed: `a text of 1 to ${longestSecret} characters`,
  holds: (text) => text.isWellFormed() && text.length >= 1 && text.length <= longestSecret,
}
