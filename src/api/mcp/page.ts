import { type Failure, isFailure } from '../../domain/failure.ts'

/** The part of a list that is asked for: 25, or what `limit` says, 100 at most. */
export function pageWithin({
  limit,
  offset,
}: {
  readonly limit?: string | undefined
  readonly offset?: string | undefined
}): { readonly limit: number; readonly offset: number } | Failure {
  const [most, from] = [numberIn(limit, 'limit'), numberIn(offset, 'offset')]
  if (isFailure(most)) return most
  if (isFailure(from)) return from
  return { limit: Math.min(most || 25, 100), offset: from }
}

function numberIn(text: string | undefined, name: string): number | Failure {
  if (text === undefined || text === '') return 0
  if (!/^-?\d{1,15}$/.test(text)) return wrong(name, 'a number')
  return text.startsWith('-') ? wrong(name, 'non-negative') : Number(text)
}

function wrong(name: string, what: string): Failure {
  return { failure: 'invalid', message: `Invalid ${name} parameter: must be ${what}` }
}
