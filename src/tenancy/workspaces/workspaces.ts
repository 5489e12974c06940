import type { Kysely } from 'kysely'
import { type Failure, isFailure } from '../../domain/failure.ts'
import type { Schema } from '../../store/schema.ts'
import type { Context } from '../context.ts'
import type { WorkspaceKeyType } from '../facts.ts'
import { digestCredential, digestFileEntry } from '../keys/digest.ts'
import { defaultSlugPrefixes, defaultWorkspaceId, wholeSlugPrefixes } from '../rules/default-workspace.ts'
import { inLowerCase } from '../rules/host-name.ts'
import { ownedByAnother } from '../rules/owned-names.ts'
import { seal } from '../sealing/sealing.ts'
import type { Stamp, Write } from '../write.ts'
import { readOwnerOf } from './workspace-records.sql.ts'
import {
  environmentKey,
  environmentPlace,
  readStoredEntries,
  releaseNames,
  type StoredEntries,
  secretPlace,
  upsertEnvironment,
  upsertSecret,
  upsertWorkspace,
  upsertWorkspaceKey,
} from './workspaces.sql.ts'

/** A workspace and what it holds, as the configuration file has it. Values are plain and secret. */
export interface WorkspaceDefinition {
  readonly id: string
  readonly name: string
  readonly onboarded: boolean
  readonly slugPrefixes: readonly string[]
  /** Host names without a port. */
  readonly domains: readonly string[]
  readonly keys: readonly { readonly name: string; readonly value: string; readonly type: WorkspaceKeyType }[]
  readonly secrets: readonly { readonly id: string; readonly value: string }[]
  readonly environments: readonly EnvironmentDefinition[]
  /** Ed25519, 32 bytes in base64; null: keys cannot be registered. */
  readonly registrationPublicKey: string | null
}

/** One environment of one model. */
export interface EnvironmentDefinition {
  readonly modelId: string
  readonly name: string
  /** Up to and including `/v1`. */
  readonly baseUrl: string
  readonly model: string | null
  readonly apiKey: string | null
  readonly region: string | null
}

export interface Workspaces {
  /**
   * Brings what is stored to what the file says, entity by entity: one that the file has not written yet, or has
   * written otherwise, is overwritten; one whose entry is the same as last time keeps what was changed since, and
   * one that the file does not name any more stays. All of it or nothing; null when it is done.
   */
  applyWorkspaces(definitions: readonly WorkspaceDefinition[]): Promise<Failure | null>
}

/** Always there, onboarded, and the owner of these prefixes. */
const defaultWorkspace: WorkspaceDefinition = {
  id: defaultWorkspaceId,
  name: defaultWorkspaceId,
  onboarded: true,
  slugPrefixes: defaultSlugPrefixes,
  domains: [],
  keys: [],
  secrets: [],
  environments: [],
  registrationPublicKey: null,
}

const conflicts = {
  'workspace_keys(digest)': {
    failure: 'invalid',
    message: 'frontier.workspaces: a value is that of two workspace keys',
  },
} as const

const fromFile = { workspaceId: null, actor: 'configuration_file' }

export function workspacesOf(context: Context): Workspaces {
  const { write } = context
  return {
    async applyWorkspaces(definitions) {
      const whole = definitions.map(withDefaults)
      const outcome = await write(
        fromFile,
        async (it) => {
          const twice = namedTwice(whole)
          if (twice) return twice
          const changes: Change[] = []
          for (const definition of whole) {
            changes.push(
              changeOf(context, definition, await readStoredEntries(it.transaction, definition.id)),
            )
          }
          const changed = changes.filter(({ parts }) => parts.length > 0)
          const rewritten = changed.filter(({ workspace }) => workspace !== null)
          const taken = await ownedElsewhere(
            it,
            rewritten.map(({ definition }) => definition),
          )
          if (taken || changed.length === 0) return taken ?? true
          const stamp = await it.begin()
          await releaseNames(
            it.transaction,
            rewritten.map(({ definition }) => definition.id),
          )
          for (const change of changed) await writeChange(context, it, change, stamp)
          return true
        },
        conflicts,
      )
      return isFailure(outcome) ? outcome : null
    },
  }
}

/** Makes the workspace that is always there, once. */
export async function ensureDefaultWorkspace({ read, write }: Context): Promise<void> {
  const { id, name, slugPrefixes } = defaultWorkspace
  const isThere = async (database: Kysely<Schema>) =>
    (await database.selectFrom('workspaces').select('id').where('id', '=', id).execute()).length > 0
  if (await isThere(read)) return
  await write({ workspaceId: null, actor: 'installation' }, async (it) => {
    const { revision, at } = await it.begin()
    const row = {
      id,
      name,
      onboarded: 1,
      created_at: at,
      deleted_at: null,
      revision,
      config_hash: null,
      registration_public_key: null,
    }
    // An instance that starts at the same moment may have been first.
    if (await isThere(it.transaction)) return true
    await upsertWorkspace(it.transaction, row, slugPrefixes, [])
    await it.audit('WORKSPACE_CREATED', id, {})
    return true
  })
}

/** What the file says otherwise than the last time; digests by entity, null where nothing is to be written. */
interface Change {
  readonly definition: WorkspaceDefinition
  readonly workspace: string | null
  readonly keys: readonly (WorkspaceDefinition['keys'][number] & { hash: string; id: string | null })[]
  readonly secrets: readonly (WorkspaceDefinition['secrets'][number] & { hash: string })[]
  readonly environments: readonly (EnvironmentDefinition & { hash: string })[]
  /** The same in words. */
  readonly parts: readonly string[]
}

function withDefaults(given: WorkspaceDefinition): WorkspaceDefinition {
  return {
    ...given,
    slugPrefixes: wholeSlugPrefixes(given.id, given.slugPrefixes),
    domains: given.domains.map(inLowerCase),
  }
}

function changeOf({ keyring }: Context, definition: WorkspaceDefinition, stored: StoredEntries): Change {
  const { name, onboarded, slugPrefixes, domains, registrationPublicKey } = definition
  const hash = (entry: readonly unknown[]) => digestFileEntry(keyring, entry)
  const own = hash([name, onboarded, [...slugPrefixes].sort(), [...domains].sort(), registrationPublicKey])
  const workspace = own === stored.workspace ? null : own
  // What was deleted by hand stays so until its entry is another, and then comes back with all that it had.
  if (stored.isDeleted && workspace === null) return nothingOf(definition)
  const isSame = (now: string, then: string | null | undefined) => now === then && !stored.isDeleted
  const keys = definition.keys
    .map((key) => ({ ...key, hash: hash([key.type, key.value]), id: stored.keys.get(key.name)?.id ?? null }))
    .filter((key) => !isSame(key.hash, stored.keys.get(key.name)?.hash))
  const secrets = definition.secrets
    .map((secret) => ({ ...secret, hash: hash([secret.value]) }))
    .filter((secret) => !isSame(secret.hash, stored.secrets.get(secret.id)))
  const environments = definition.environments
    .map((environment) => ({ ...environment, hash: hash(environmentEntry(environment)) }))
    .filter(
      ({ modelId, name, hash }) => !isSame(hash, stored.environments.get(environmentKey(modelId, name))),
    )
  const parts = [
    ...(workspace === null ? [] : ['workspace']),
    ...keys.map(({ name }) => `key ${name}`),
    ...secrets.map(({ id }) => `secret ${id}`),
    ...environments.map(({ modelId, name }) => `environment ${modelId}/${name}`),
  ]
  return { definition, workspace, keys, secrets, environments, parts }
}

function nothingOf(definition: WorkspaceDefinition): Change {
  return { definition, workspace: null, keys: [], secrets: [], environments: [], parts: [] }
}

function environmentEntry({ baseUrl, model, apiKey, region }: EnvironmentDefinition) {
  return [baseUrl, model, apiKey, region]
}

function namedTwice(definitions: readonly WorkspaceDefinition[]): Failure | null {
  const seen = new Set<string>()
  for (const { id, slugPrefixes, domains } of definitions) {
    const names = [
      `workspace ${id}`,
      ...slugPrefixes.map((prefix) => `slug prefix ${prefix}`),
      ...domains.map((domain) => `domain ${domain}`),
    ]
    for (const name of names) {
      if (seen.has(name)) return invalid(`frontier.workspaces.${id}: the ${name} is named twice`)
      seen.add(name)
    }
  }
  return null
}

async function ownedElsewhere(
  { transaction }: Write,
  definitions: readonly WorkspaceDefinition[],
): Promise<Failure | null> {
  const ids = definitions.map(({ id }) => id)
  for (const definition of definitions) {
    const taken = await readOwnerOf(transaction, definition, ids)
    const refused = ownedByAnother(taken, `frontier.workspaces.${definition.id}.`)
    if (refused) return refused
  }
  return null
}

async function writeChange(
  { keyring, random, newUlid }: Context,
  { transaction, audit }: Write,
  { definition, workspace, keys, secrets, environments, parts }: Change,
  { revision, at }: Stamp,
): Promise<void> {
  const { id, name, onboarded, slugPrefixes, domains, registrationPublicKey } = definition
  if (workspace !== null) {
    const row = {
      id,
      name,
      onboarded: onboarded ? 1 : 0,
      created_at: at,
      deleted_at: null,
      revision,
      config_hash: workspace,
      registration_public_key: registrationPublicKey,
    }
    await upsertWorkspace(transaction, row, slugPrefixes, domains)
  }
  for (const key of keys) {
    await upsertWorkspaceKey(transaction, {
      id: key.id ?? `wk_${newUlid(at)}`,
      workspace_id: id,
      name: key.name,
      type: key.type,
      digest: digestCredential(keyring, key.value).toString('hex'),
      created_at: at,
      revoked_at: null,
      revision,
      config_hash: key.hash,
    })
  }
  for (const secret of secrets) {
    await upsertSecret(transaction, {
      workspace_id: id,
      id: secret.id,
      sealed_value: seal(keyring, random, secret.value, secretPlace(id, secret.id)),
      created_at: at,
      updated_at: at,
      deleted_at: null,
      revision,
      config_hash: secret.hash,
    })
  }
  for (const { modelId, apiKey, ...environment } of environments) {
    const place = environmentPlace(id, modelId, environment.name)
    await upsertEnvironment(transaction, {
      workspace_id: id,
      model_id: modelId,
      name: environment.name,
      base_url: environment.baseUrl,
      model: environment.model,
      sealed_api_key: apiKey === null ? null : seal(keyring, random, apiKey, place),
      region: environment.region,
      deleted_at: null,
      revision,
      config_hash: environment.hash,
    })
  }
  await audit('WORKSPACE_CONFIGURED', id, { changed: parts })
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
