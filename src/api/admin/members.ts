import { z } from 'zod'
import { repeatedIn } from '../../tenancy/rules/distinct-names.ts'

/** Where the configuration file's word stands against what was written by hand. */
export const inFile = z
  .boolean()
  .describe('The configuration file has it. Where its entry there changes, the entry wins at the next start.')

/** What is shown once: a value that was made here. */
export const shownOnce = z
  .string()
  .optional()
  .describe('The key itself, where it was made here. It is shown now and never again.')

/** A list, at `member`, in which nothing may stand twice; `fold` gives what is compared. */
export function distinct<List extends z.ZodType<string[]>>(
  list: List,
  member: string,
  fold: (name: string) => string = (name) => name,
): List {
  return list.superRefine((names, context) => {
    const repeated = repeatedIn(names.map(fold))
    if (repeated === null) return
    const message = `must differ from ${member}.${repeated.firstAt}`
    context.addIssue({ code: 'custom', path: [repeated.at], message })
  })
}
