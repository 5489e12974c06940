import type { Failure } from '../domain/failure.ts'
import type { NewUlid } from '../domain/ids.ts'
import type { Clock } from '../domain/time.ts'
import type { CounterStore } from '../limits/plan.ts'
import type { Database } from '../store/database.ts'
import { type Audit, auditOf } from './audit.ts'
import type { Context } from './context.ts'
import { type ClientConfigs, clientConfigsOf } from './governance/client/client-config.ts'
import { compileRequiredHeaders } from './governance/client/required-headers.ts'
import type { GovernanceContext, ProcessContext } from './governance/context.ts'
import type { VirtualKeyFact } from './governance/facts.ts'
import { type GovernanceFiles, governanceFilesOf } from './governance/file/apply.ts'
import { type Budgets, budgetsOf } from './governance/limits/budgets.ts'
import { type LimitChanges, limitChanges } from './governance/limits/limit-changes.ts'
import { type Policies, policiesOf } from './governance/limits/policies.ts'
import { type Auth, authOf } from './governance/logins/auth.ts'
import { type Sessions, sessionsOf } from './governance/logins/sessions.ts'
import { type Customers, customersOf } from './governance/owners/customers.ts'
import { type KeyUsage, keyUsageOf } from './governance/owners/key-usage.ts'
import { type MembersRead, membersOf } from './governance/owners/members.ts'
import { type Teams, teamsOf } from './governance/owners/teams.ts'
import { type VirtualKeyLists, virtualKeyListsOf } from './governance/owners/virtual-key-list.ts'
import { virtualKeyPlace } from './governance/owners/virtual-keys.sql.ts'
import { type VirtualKeys, virtualKeysOf } from './governance/owners/virtual-keys.ts'
import { type McpClients, mcpClientsOf } from './governance/providers/mcp-clients.ts'
import { type ProviderKeys, providerKeysOf } from './governance/providers/provider-keys.ts'
import { type Providers, providersOf } from './governance/providers/providers.ts'
import { type BrokenRule, compileRules } from './governance/routing/compiled-rules.ts'
import type { Variable } from './governance/routing/variables.ts'
import { type Endpoints, endpointsOf } from './groups/endpoints.ts'
import { type Explain, explainOf } from './groups/explain.ts'
import { type Groups, groupsOf } from './groups/groups.ts'
import { keepSetting } from './installation.sql.ts'
import { type AdminKeys, adminKeysOf } from './keys/admin-keys.ts'
import { digestCredential } from './keys/digest.ts'
import { type Keys, keysOf } from './keys/keys.ts'
import { type Registration, registrationOf } from './keys/keys-registration.ts'
import type { RandomBytes } from './keys/random-text.ts'
import { type WorkspaceKeys, workspaceKeysOf } from './keys/workspace-keys.ts'
import { loadChanges } from './load.ts'
import { deriveKeyring } from './sealing/keyring.ts'
import { unseal } from './sealing/sealing.ts'
import { advance, countersGone, emptySnapshot, type Snapshot } from './snapshot.ts'
import { type Models, modelsOf } from './workspaces/models.ts'
import { type Secrets, secretsOf } from './workspaces/secrets.ts'
import { type Webhooks, webhooksOf } from './workspaces/webhooks.ts'
import { type WorkspaceRecords, workspaceRecordsOf } from './workspaces/workspace-records.ts'
import { ensureDefaultWorkspace, type Workspaces, workspacesOf } from './workspaces/workspaces.ts'
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
    Explain,
    Customers,
    Teams,
    MembersRead,
    Budgets,
    VirtualKeys,
    VirtualKeyLists,
    KeyUsage,
    Auth,
    ClientConfigs,
    Sessions,
    Providers,
    ProviderKeys,
    McpClients,
    Policies,
    GovernanceFiles {
  /** What the data plane reads. */
  snapshot(): Snapshot
  /** By what a presented credential is found. */
  digestOf(credential: string): Buffer
  /** The value that a virtual key's owner presents; null where what is stored cannot be opened. */
  revealVirtualKey(key: Pick<VirtualKeyFact, 'id' | 'sealedValue'>): string | null
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
  /** What `env.NAME` stands for in what the APIs take; nothing where it is left out. */
  readonly variable?: Variable
  /** Told the names of counters whose owner is gone, by whichever instance's write. */
  readonly onCountersGone?: (names: readonly string[]) => void
  /** What limits have counted, for usage that is carried or taken back. */
  readonly counters: Pick<CounterStore, 'read'>
  /** Told what writes, of whatever instance, mean for the counters of budgets and rate limits. */
  readonly onLimitsChanged?: (changes: LimitChanges) => void
  /** Told of stored routing rules that nobody can be routed by. */
  readonly onBrokenRule?: (rule: BrokenRule) => void
}

const dayMs = 86_400_000

/** Opens the room and loads everything. Fails when the master key is not the one this database began with. */
export async function openTenancy(options: TenancyOptions): Promise<Tenancy | Failure> {
  const { database, clock, newUlid, random, counters } = options
  const { onCountersGone = () => {}, onLimitsChanged = () => {}, onBrokenRule = () => {} } = options
  const variable: Variable = options.variable ?? (() => undefined)
  const keyring = deriveKeyring(options.masterKey)
  const checkValue = await database.transaction((transaction) =>
    keepSetting(transaction, 'master_key_check', keyring.checkValue),
  )
  if (checkValue !== keyring.checkValue) {
    return { failure: 'invalid', message: 'The master key is not the one this database was begun with.' }
  }

  let current = emptySnapshot()
  const advanceOnce = async () => {
    const changes = await loadChanges(database, keyring, variable, current.revision)
    if (changes === null) return
    await compileRules(changes.governance.routingRules.values(), onBrokenRule)
    if (changes.governance.client) await compileRequiredHeaders(changes.governance.client, variable)
    const gone = countersGone(current, changes)
    const limits = limitChanges(current.governance, changes.governance, clock())
    current = advance(current, changes)
    if (gone.length > 0) onCountersGone(gone)
    onLimitsChanged(limits)
  }
  const inTurn = turns()
  const publish = (revision: number) =>
    inTurn(async () => {
      if (current.revision < revision) await advanceOnce()
    })

  const write = writerOf(database, clock, newUlid, publish)
  const context: Context = { read: database.read, write, clock, keyring, newUlid, random }
  const governance: GovernanceContext = {
    ...context,
    kind: database.kind,
    counters,
    world: () => current.governance,
  }
  const withVariables: ProcessContext = { ...governance, variable }
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
    ...customersOf(governance),
    ...teamsOf(governance),
    ...membersOf(governance),
    ...budgetsOf(governance),
    ...policiesOf(governance),
    ...virtualKeysOf(governance),
    ...virtualKeyListsOf(governance),
    ...keyUsageOf(governance),
    revealVirtualKey: ({ id, sealedValue }) =>
      unseal(keyring, sealedValue, virtualKeyPlace(id))?.reveal() ?? null,
    ...authOf(withVariables),
    ...clientConfigsOf(withVariables),
    ...sessionsOf(context),
    ...providersOf(withVariables),
    ...providerKeysOf(withVariables),
    ...mcpClientsOf(withVariables),
    ...governanceFilesOf({ ...governance, variable }),
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
