import type { NewUlid } from '../domain/ids.ts'
import type { Clock } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { deriveKeyring } from '../tenancy/sealing/keyring.ts'
import { type DeadLetters, deadLettersOf } from './dead-letters.ts'
import { type Pull, pullOf } from './pull.ts'

/** What management asks of this room; deliveries are made elsewhere, by the deliverer. Throws what the database throws. */
export interface Billing extends Pull, DeadLetters {}

export interface BillingOptions {
  readonly database: Database
  readonly masterKey: string
  readonly clock: Clock
  readonly newUlid: NewUlid
}

export function openBilling({ database, masterKey, clock, newUlid }: BillingOptions): Billing {
  const keyring = deriveKeyring(masterKey)
  return { ...pullOf(database, keyring, clock), ...deadLettersOf(database, keyring, clock, newUlid) }
}
