/** Fresh random bytes, as `crypto.randomBytes` gives them. */
export type RandomBytes = (count: number) => Buffer

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** The largest multiple of 62 that a byte can hold: bytes from here on would favour some letters. */
const fairBytes = 248

/** Random letters and digits, each equally likely: 5.95 bits each, so 43 of them hold 256 bits. */
export function randomText(random: RandomBytes, length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of random(length - text.length)) {
      if (byte < fairBytes) text += alphabet[byte % alphabet.length]
    }
  }
  return text
}
