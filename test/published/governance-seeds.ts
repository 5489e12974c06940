import { randomBytes } from 'node:crypto'
import { moveRevision } from '../../src/tenancy/installation.sql.ts'
import { digestCredential } from '../../src/tenancy/keys/digest.ts'
import { deriveKeyring } from '../../src/tenancy/sealing/keyring.ts'
import { seal } from '../../src/tenancy/sealing/sealing.ts'
import type { TestPlace } from '../setup/databases.ts'
import { masterKeyOfTests } from '../setup/gateway.ts'

/** A virtual key as it is laid down in a database, before a gateway starts on it. */
export interface SeededKey {
  readonly id: string
  readonly value: string
  readonly teamId?: string
  readonly expiresAt?: number
  readonly isActive?: boolean
}

/** Lays teams and virtual keys down, as the gateway would store them. */
export async function seedGovernance(
  place: TestPlace,
  seeds: { readonly teams: readonly string[]; readonly keys: readonly SeededKey[] },
): Promise<void> {
  const keyring = deriveKeyring(masterKeyOfTests)
  const database = await place.open()
  await database.transaction(async (transaction) => {
    const revision = await moveRevision(transaction)
    const written = { config_hash: null, created_at: 1, updated_at: 1, revision, calendar_aligned: 0 }
    for (const id of seeds.teams) {
      const empty = { customer_id: null, profile: '{}', config: '{}', claims: '{}' }
      await transaction
        .insertInto('teams')
        .values({ id, name: `team ${id}`, ...empty, ...written })
        .execute()
    }
    for (const { id, value, teamId, expiresAt, isActive = true } of seeds.keys) {
      await transaction
        .insertInto('virtual_keys')
        .values({
          id,
          name: `key ${id}`,
          description: '',
          digest: digestCredential(keyring, value).toString('hex'),
          sealed_value: seal(keyring, randomBytes, value, ['virtual_keys', id]),
          previous_digest: null,
          previous_until: null,
          is_active: isActive ? 1 : 0,
          team_id: teamId ?? null,
          customer_id: null,
          expires_at: expiresAt ?? null,
          ...written,
        })
        .execute()
    }
  })
  await database.close()
}
