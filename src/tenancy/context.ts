import type { NewUlid } from '../domain/ids.ts'
import type { Clock } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import type { RandomBytes } from './keys/random-text.ts'
import type { Keyring } from './sealing/keyring.ts'
import type { WriteFacts } from './write.ts'

/** What every operation of this room stands on. */
export interface Context {
  readonly read: Database['read']
  readonly write: WriteFacts
  readonly clock: Clock
  readonly keyring: Keyring
  readonly newUlid: NewUlid
  readonly random: RandomBytes
}
