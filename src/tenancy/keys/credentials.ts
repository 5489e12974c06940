import type { Failure } from '../../domain/failure.ts'
import type { Context } from '../context.ts'
import { digestCredential } from './digest.ts'
import { randomText } from './random-text.ts'

/** A value is looked up by its digest, so no two keys may have the same. */
export const valueTaken: Failure = { failure: 'conflict', message: 'value: is, or was, that of another key' }

/** The value of a key that manages. */
export interface Credential {
  /** To be told once; null where the caller brought the value. */
  readonly made: string | null
  /** What is stored, in hex. */
  readonly digest: string
}

/** What operators' and workspaces' keys begin with. */
type Prefix = 'tga_' | 'tgw_'

export function makeValue(random: Context['random'], prefix: Prefix): string {
  return `${prefix}${randomText(random, 43)}`
}

/** Takes the value that the caller brought, or makes one that begins with `prefix`. */
export function credentialOf(
  { keyring, random }: Pick<Context, 'keyring' | 'random'>,
  prefix: Prefix,
  given: string | null,
): Credential {
  const made = given === null ? makeValue(random, prefix) : null
  return { made, digest: digestCredential(keyring, given ?? made ?? '').toString('hex') }
}
