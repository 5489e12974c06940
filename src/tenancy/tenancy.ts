import type { Failure } from '../domain/failure.ts'
import type { NewUlid } from '../domain/ids.ts'
import type { Clock } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { type AdminKeys, adminKeysOf } from './admin-keys.ts'
import { type Audit, auditOf } from './audit.ts'
import type { Context } from './context.ts'
import { digestCredential } from './digest.ts'
import { type Endpoints, endpointsOf } from './endpoints.ts'
import { type Explain, explainOf } from './explain.ts'
import { type Groups, groupsOf } from './groups.ts'
import { keepSetting } from './installation.sql.ts'
import { deriveKeyring } from './keyring.ts'
import { type Keys, keysOf } from './keys.ts'
import { type Registration, registrationOf } from './keys-registration.ts'
import { loadChanges } from './load.ts'
import { type Models, modelsOf } from './models.ts'
import type { RandomBytes } from './random-text.ts'
import { type Secrets, secretsOf } from './secrets.ts'
import { advance, countersGone, emptySnapshot, type Snapshot } from './snapshot.ts'
import { type Webhooks, webhooksOf } from './webhooks.ts'
import { type WorkspaceKeys, workspaceKeysOf } from './workspace-keys.ts'
import { type WorkspaceRecords, workspaceRecordsOf } from './workspace-records.ts'
import { ensureDefaultWorkspace, type Workspaces, workspacesOf } from './workspaces.ts'
import { writerOf } from './write.ts'

/**
 * The facts of all workspaces: who there is, what they may call, and how much.
 *
 * A write checks its rules, commits facts, audit and a new revision in one transaction, and answers only when this
 * process's snapshot holds it: a revoked key is dead by the time its revocation is answered.
 *
 * Throws only what the database throws.
 */
export interface Tenancy
  extends Groups,
    Keys,
    Registration,
    Endpoints,
    Workspaces,
    WorkspaceRecords,
    WorkspaceKeys,
    Secrets,
    Models,
    AdminKeys,
    Audit,
    Webhooks,
    Explain {
  /** What the data plane reads. */
  snapshot(): Snapshot
  /** By what a presented credential is found. */
  digestOf(credential: string): Buffer
  /** Takes in what other instances have written. One small read when they wrote nothing. */
  refresh(): Promise<void>
}

export interface TenancyOptions {
  /** Brought up to date already. */
  readonly database: Database
  readonly clock: Clock
  readonly newUlid: NewUlid
  readonly random: RandomBytes
  readonly masterKey: string
  /** How long the secret before a rotation goes on signing; a day where it is left out. */
  readonly webhookSecretOverlapMs?: number
  /** Told the names of counters whose owner is gone, by whichever instance's write. */
  readonly onCountersGone?: (names: readonly string[]) => void
}

const dayMs = 86_400_000

/** Opens the room and loads everything. Fails when the master key is not the one this database began with. */
export async function openTenancy(options: TenancyOptions): Promise<Tenancy | Failure> {
  const { database, clock, newUlid, random, onCountersGone = () => {} } = options
  const keyring = deriveKeyring(options.masterKey)
  const checkValue = await database.transaction((transaction) =>
    keepSetting(transaction, 'master_key_check', keyring.checkValue),
  )
  if (checkValue !== keyring.checkValue) {
    return { failure: 'invalid', message: 'The master key is not the one this database was begun with.' }
  }

  let current = emptySnapshot()
  const advanceOnce = async () => {
    const changes = await loadChanges(database, keyring, current.revision)
    if (changes === null) return
    const gone = countersGone(current, changes)
    current = advance(current, changes)
    if (gone.length > 0) onCountersGone(gone)
  }
  const inTurn = turns()
  const publish = (revision: number) =>
    inTurn(async () => {
      if (current.revision < revision) await advanceOnce()
    })

  const write = writerOf(database, clock, newUlid, publish)
  const context: Context = { read: database.read, write, clock, keyring, newUlid, random }
  const tenancy: Tenancy = {
    ...groupsOf(context),
    ...keysOf(context),
    ...registrationOf(context, () => current),
    ...endpointsOf(context),
    ...workspacesOf(context),
    ...workspaceRecordsOf(context, (id) => current.workspace(id) !== null),
    ...workspaceKeysOf(context),
    ...secretsOf(context),
    ...modelsOf(context),
    ...adminKeysOf(context),
    ...auditOf(context),
    ...webhooksOf(context, options.webhookSecretOverlapMs ?? dayMs),
    ...explainOf(context, () => current),
    snapshot: () => current,
    digestOf: (credential) => digestCredential(keyring, credential),
    refresh: () => inTurn(advanceOnce),
  }
  await ensureDefaultWorkspace(context)
  await tenancy.refresh()
  return tenancy
}

/** Runs what it is given one after the other, whether or not the one before failed. */
function turns(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return (work) => {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }
}
