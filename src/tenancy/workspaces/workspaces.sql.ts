import type { Kysely } from 'kysely'
import type { WorkspaceId } from '../../domain/ids.ts'
import type {
  ModelEnvironmentTable,
  Schema,
  SecretTable,
  WorkspaceKeyTable,
  WorkspaceTable,
} from '../../store/schema.ts'
import type { EnvironmentFact, WorkspaceFact, WorkspaceKeyFact, WorkspaceKeyType } from '../facts.ts'
import type { Keyring } from '../sealing/keyring.ts'
import { type Place, unseal } from '../sealing/sealing.ts'
import type { Changed, ChangedEnvironment, ChangedSecret } from '../snapshot.ts'

export function secretPlace(workspaceId: string, id: string): Place {
  return ['secrets', workspaceId, id]
}

export function environmentPlace(workspaceId: string, modelId: string, name: string): Place {
  return ['model_environments', workspaceId, modelId, name]
}

export async function readChangedWorkspaces(
  database: Kysely<Schema>,
  since: number,
): Promise<Changed<WorkspaceFact>[]> {
  const rows = await database
    .selectFrom('workspaces')
    .leftJoin('workspace_domains', 'workspace_domains.workspace_id', 'workspaces.id')
    .select(['workspaces.id', 'name', 'onboarded', 'deleted_at', 'registration_public_key', 'domain'])
    .where('revision', '>', since)
    .orderBy('workspaces.id')
    .orderBy('domain')
    .execute()
  const workspaces = new Map<string, { id: string; fact: (WorkspaceFact & { domains: string[] }) | null }>()
  for (const { id, name, onboarded, deleted_at, registration_public_key, domain } of rows) {
    const known = workspaces.get(id)
    const fact = {
      id: id as WorkspaceId,
      name,
      onboarded: onboarded === 1,
      domains: [],
      registrationPublicKey: registration_public_key,
    }
    const changed = known ?? { id, fact: deleted_at === null ? fact : null }
    if (domain !== null) changed.fact?.domains.push(domain)
    workspaces.set(id, changed)
  }
  return [...workspaces.values()]
}

export async function readChangedWorkspaceKeys(
  database: Kysely<Schema>,
  since: number,
): Promise<Changed<WorkspaceKeyFact>[]> {
  const rows = await database.selectFrom('workspace_keys').selectAll().where('revision', '>', since).execute()
  return rows.map((row) => ({
    id: row.id,
    fact:
      row.revoked_at === null
        ? {
            id: row.id,
            workspaceId: row.workspace_id as WorkspaceId,
            type: row.type as WorkspaceKeyType,
            digest: Buffer.from(row.digest, 'hex'),
          }
        : null,
  }))
}

export async function readChangedSecrets(
  database: Kysely<Schema>,
  keyring: Keyring,
  since: number,
): Promise<ChangedSecret[]> {
  const rows = await database.selectFrom('secrets').selectAll().where('revision', '>', since).execute()
  return rows.map((row) => {
    const [id, workspaceId] = [row.id, row.workspace_id as WorkspaceId]
    if (row.deleted_at !== null) return { id, workspaceId, fact: null }
    const value = unseal(keyring, row.sealed_value, secretPlace(workspaceId, id)) ?? 'sealed'
    return { id, workspaceId, fact: { id, workspaceId, value } }
  })
}

export async function readChangedEnvironments(
  database: Kysely<Schema>,
  keyring: Keyring,
  since: number,
): Promise<ChangedEnvironment[]> {
  const rows = await database
    .selectFrom('model_environments')
    .selectAll()
    .where('revision', '>', since)
    .execute()
  return rows.map((row) => {
    const { name, model_id: modelId } = row
    const workspaceId = row.workspace_id as WorkspaceId
    return {
      workspaceId,
      modelId,
      name,
      fact: row.deleted_at === null ? toEnvironment(keyring, row) : null,
    }
  })
}

function toEnvironment(keyring: Keyring, row: ModelEnvironmentTable): EnvironmentFact {
  const place = environmentPlace(row.workspace_id, row.model_id, row.name)
  return {
    workspaceId: row.workspace_id as WorkspaceId,
    modelId: row.model_id,
    name: row.name,
    baseUrl: row.base_url,
    model: row.model,
    apiKey: row.sealed_api_key === null ? null : (unseal(keyring, row.sealed_api_key, place) ?? 'sealed'),
    region: row.region,
  }
}

/** The slug prefixes a workspace owns. */
export async function readPrefixes(database: Kysely<Schema>, workspaceId: WorkspaceId): Promise<string[]> {
  const rows = await database
    .selectFrom('slug_prefixes')
    .select('prefix')
    .where('workspace_id', '=', workspaceId)
    .execute()
  return rows.map(({ prefix }) => prefix)
}

/** Names of a model's environments; none for a model the workspace does not have. */
export async function readEnvironmentNames(
  database: Kysely<Schema>,
  workspaceId: WorkspaceId,
  modelId: string,
): Promise<string[]> {
  const rows = await database
    .selectFrom('model_environments')
    .select('name')
    .where('workspace_id', '=', workspaceId)
    .where('model_id', '=', modelId)
    .where('deleted_at', 'is', null)
    .execute()
  return rows.map(({ name }) => name)
}

export async function hasSecret(
  database: Kysely<Schema>,
  workspaceId: WorkspaceId,
  id: string,
): Promise<boolean> {
  const row = await database
    .selectFrom('secrets')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}

/** Names an environment of a workspace, whatever stands in the two names. */
export function environmentKey(modelId: string, name: string): string {
  return JSON.stringify([modelId, name])
}

/** What the file wrote for one workspace: for each entity the digest of its entry, revoked keys included. */
export interface StoredEntries {
  readonly workspace: string | null
  /** The workspace was deleted by hand. */
  readonly isDeleted: boolean
  readonly keys: ReadonlyMap<string, { readonly id: string; readonly hash: string | null }>
  readonly secrets: ReadonlyMap<string, string | null>
  /** By `environmentKey`. */
  readonly environments: ReadonlyMap<string, string | null>
}

export async function readStoredEntries(
  database: Kysely<Schema>,
  workspaceId: string,
): Promise<StoredEntries> {
  const workspace = await database
    .selectFrom('workspaces')
    .select(['config_hash', 'deleted_at'])
    .where('id', '=', workspaceId)
    .executeTakeFirst()
  // A live key that was made by hand becomes the file's once the file names it.
  const keys = await database
    .selectFrom('workspace_keys')
    .select(['id', 'name', 'config_hash'])
    .where('workspace_id', '=', workspaceId)
    .where(({ eb, or }) => or([eb('config_hash', 'is not', null), eb('revoked_at', 'is', null)]))
    .execute()
  const secrets = await database
    .selectFrom('secrets')
    .select(['id', 'config_hash'])
    .where('workspace_id', '=', workspaceId)
    .execute()
  const environments = await database
    .selectFrom('model_environments')
    .select(['model_id', 'name', 'config_hash'])
    .where('workspace_id', '=', workspaceId)
    .execute()
  return {
    workspace: workspace?.config_hash ?? null,
    isDeleted: typeof workspace?.deleted_at === 'number',
    keys: new Map(
      keys
        .toSorted((a, b) => Number(a.config_hash !== null) - Number(b.config_hash !== null))
        .map(({ name, id, config_hash }) => [name, { id, hash: config_hash }]),
    ),
    secrets: new Map(secrets.map(({ id, config_hash }) => [id, config_hash])),
    environments: new Map(
      environments.map((row) => [environmentKey(row.model_id, row.name), row.config_hash]),
    ),
  }
}

/** Which of these slug prefixes or domains a workspace outside of `except` owns. */
export async function readOwnedElsewhere(
  database: Kysely<Schema>,
  table: 'slug_prefixes' | 'workspace_domains',
  names: readonly string[],
  except: readonly string[],
): Promise<{ name: string; workspace_id: string } | null> {
  if (names.length === 0) return null
  const row =
    table === 'slug_prefixes'
      ? await database
          .selectFrom('slug_prefixes')
          .select(['prefix as name', 'workspace_id'])
          .where('prefix', 'in', names)
          .where('workspace_id', 'not in', except)
          .executeTakeFirst()
      : await database
          .selectFrom('workspace_domains')
          .select(['domain as name', 'workspace_id'])
          .where('domain', 'in', names)
          .where('workspace_id', 'not in', except)
          .executeTakeFirst()
  return row ?? null
}

/** Takes their slug prefixes and domains from workspaces, before each is given those it shall have. */
export async function releaseNames(database: Kysely<Schema>, workspaceIds: readonly string[]): Promise<void> {
  if (workspaceIds.length === 0) return
  await database.deleteFrom('slug_prefixes').where('workspace_id', 'in', workspaceIds).execute()
  await database.deleteFrom('workspace_domains').where('workspace_id', 'in', workspaceIds).execute()
}

/** Writes a workspace and gives it prefixes and domains, all of which are free. */
export async function upsertWorkspace(
  database: Kysely<Schema>,
  row: WorkspaceTable,
  prefixes: readonly string[],
  domains: readonly string[],
): Promise<void> {
  const { id, created_at, ...written } = row
  await database
    .insertInto('workspaces')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(written))
    .execute()
  for (const prefix of prefixes) {
    await database.insertInto('slug_prefixes').values({ prefix, workspace_id: id }).execute()
  }
  for (const domain of domains) {
    await database.insertInto('workspace_domains').values({ domain, workspace_id: id }).execute()
  }
}

/** Puts a workspace's registration key in its place, or takes it away. */
export async function updateRegistrationKey(
  database: Kysely<Schema>,
  id: string,
  publicKey: string | null,
  revision: number,
): Promise<void> {
  await database
    .updateTable('workspaces')
    .set({ registration_public_key: publicKey, revision })
    .where('id', '=', id)
    .execute()
}

/** Writes a workspace key as live; throws a unique violation where its value is a credential already. */
export async function upsertWorkspaceKey(database: Kysely<Schema>, row: WorkspaceKeyTable): Promise<void> {
  const { type, digest, revoked_at, revision, config_hash } = row
  await database
    .insertInto('workspace_keys')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ type, digest, revoked_at, revision, config_hash }),
    )
    .execute()
}

export async function upsertSecret(database: Kysely<Schema>, row: SecretTable): Promise<void> {
  const { sealed_value, updated_at, deleted_at, revision, config_hash } = row
  const written = { sealed_value, updated_at, deleted_at, revision, config_hash }
  await database
    .insertInto('secrets')
    .values(row)
    .onConflict((conflict) => conflict.columns(['workspace_id', 'id']).doUpdateSet(written))
    .execute()
}

export async function upsertEnvironment(database: Kysely<Schema>, row: ModelEnvironmentTable): Promise<void> {
  const { base_url, model, sealed_api_key, region, deleted_at, revision, config_hash } = row
  const written = { base_url, model, sealed_api_key, region, deleted_at, revision, config_hash }
  await database
    .insertInto('model_environments')
    .values(row)
    .onConflict((conflict) => conflict.columns(['workspace_id', 'model_id', 'name']).doUpdateSet(written))
    .execute()
}
