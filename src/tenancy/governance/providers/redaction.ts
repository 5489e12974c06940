const stars = '****'
const shortest = 16

/** A secret as it may be shown: its beginning and end, where it is long enough to spare them. */
export function redact(secret: string): string {
  if (secret === '') return ''
  return secret.length < shortest ? stars : `${secret.slice(0, 4)}${stars}${secret.slice(-3)}`
}

/** Whether a text looks like a secret as it is shown: such a text is never stored for one. */
export function isRedacted(text: string): boolean {
  return /^.{0,4}\*{4,}.{0,4}$/s.test(text)
}
