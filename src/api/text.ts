import { z } from 'zod'

/** Text that both databases hold as it is: `min` to `max` characters, without NUL or half of a surrogate pair. */
export function text(min: number, max: number) {
  return z
    .string()
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'holds characters that are not allowed')
    .refine(
      (value) => {
        const length = characters(value, max)
        return length >= min && length <= max
      },
      lengthMessage(min, max),
    )
    .meta({ minLength: min, maxLength: max })
}

/** RFC 3339 in UTC. */
export const timestamp = z.string().meta({ format: 'date-time' })

/** Characters as people count them, not UTF-16 units. Stops counting beyond what could fit. */
function characters(value: string, max: number): number {
  return value.length > 2 * max ? value.length : [...value].length
}

function lengthMessage(min: number, max: number): string {
  return min === 0 ? `must have at most ${max} characters` : `must have ${min} to ${max} characters`
}
