import { digestCredential } from '../../keys/digest.ts'
import { seal } from '../../sealing/sealing.ts'
import type { ClientConfig, VirtualKeyFact } from '../facts.ts'
import type { McpConfigInput } from '../owners/mcp-configs.ts'
import type { ProviderConfigInput } from '../owners/provider-configs.ts'
import { rotationGraceMs } from '../owners/rotation-grace.ts'
import {
  insertVirtualKey,
  readVirtualKey,
  updateVirtualKeyRow,
  virtualKeyPlace,
} from '../owners/virtual-keys.sql.ts'
import { virtualKeysOf } from '../owners/virtual-keys.ts'
import { readMcpClientNames } from '../providers/mcp-clients.sql.ts'
import { readSetting } from '../settings.sql.ts'
import { newUuid } from '../uuid.ts'
import type { VirtualKeyDefinition } from './definition.ts'
import { at, type FileWrite, fromFile, idsBeyond, refuse } from './file-write.ts'
import { refuseStray } from './parties.ts'
import { keyIdOf } from './providers.ts'

/** Finds the keys of the file among those stored: by id, else by name. */
export async function matchVirtualKeys(
  { it, keyIds }: FileWrite,
  keys: readonly VirtualKeyDefinition[],
): Promise<void> {
  for (const { id, name } of keys) {
    const found = await it.transaction
      .selectFrom('virtual_keys')
      .select(['id', 'name'])
      .where(({ or, eb }) => or([eb('id', '=', id), eb('name', '=', name)]))
      .execute()
    const [byId, byName] = [found.find((row) => row.id === id), found.find((row) => row.name === name)]
    if (byId && byName && byId !== byName)
      refuse(
        `governance.virtual_keys.${id}.name`,
        `${JSON.stringify(name)} is the name of ${byName.id} already`,
      )
    if (byName && !byId) keyIds.set(id, byName.id)
  }
}

export async function writeVirtualKeys(
  write: FileWrite,
  keys: readonly VirtualKeyDefinition[],
): Promise<void> {
  const { it, context } = write
  for (const definition of keys) {
    const path = `governance.virtual_keys.${definition.id}`
    const id = write.keyIds.get(definition.id) ?? definition.id
    const hash = write.digest(entryOf(definition))
    const before = await readVirtualKey(it.transaction, id)
    if (!write.isToWrite(before === null ? undefined : before.configHash, hash)) continue
    await refuseStrays(write, path, definition)
    await refuseTakenValue(write, path, id, definition.value)
    if (before === null) await insertBare(write, id, definition)
    const input = {
      name: definition.name,
      description: definition.description,
      isActive: definition.isActive,
      teamId: definition.teamId,
      customerId: definition.customerId,
      providerConfigs: await providerConfigsOf(write, path, definition),
      mcpConfigs: await mcpConfigsOf(write, path, definition),
      limits: {},
    }
    await at(path, () => virtualKeysOf(context).updateVirtualKey(fromFile, id, input))
    await updateVirtualKeyRow(it.transaction, id, {
      calendar_aligned: Number(definition.calendarAligned),
      expires_at: definition.expiresAt,
      config_hash: hash,
      ...(before === null ? {} : await rotated(write, before, definition.value)),
    })
    await it.audit('VIRTUAL_KEY_CONFIGURED', id, { virtual_key_id: id, name: definition.name })
  }
}

export async function pruneVirtualKeys(
  write: FileWrite,
  keys: readonly VirtualKeyDefinition[],
): Promise<void> {
  const { deleteVirtualKey } = virtualKeysOf(write.context)
  const named = keys.map(({ id }) => write.keyIds.get(id) ?? id)
  for (const id of await idsBeyond(write.it.transaction, 'virtual_keys', named)) {
    await deleteVirtualKey(fromFile, id)
    await write.it.audit('VIRTUAL_KEY_DELETED', id, { virtual_key_id: id })
  }
}

/** What of an entry makes a difference: not its id, not a value that is made, and not the order of its lists. */
function entryOf({ id: _id, providerConfigs, mcpConfigs, ...own }: VirtualKeyDefinition): unknown[] {
  const configs = providerConfigs.map((config) => ({
    ...config,
    allowedModels: config.allowedModels.toSorted(),
    blacklistedModels: config.blacklistedModels.toSorted(),
    keyNames: config.keyNames.toSorted(),
  }))
  const byProvider = configs.toSorted((left, right) => (left.provider < right.provider ? -1 : 1))
  const byClient = mcpConfigs
    .map(({ clientName, tools }) => ({ clientName, tools: tools.toSorted() }))
    .toSorted((left, right) => (left.clientName < right.clientName ? -1 : 1))
  return [own, byProvider, byClient]
}

async function refuseStrays(
  write: FileWrite,
  path: string,
  { teamId, customerId }: VirtualKeyDefinition,
): Promise<void> {
  if (teamId !== null) await refuseStray(write, 'teams', `${path}.team_id`, teamId)
  if (customerId !== null) await refuseStray(write, 'customers', `${path}.customer_id`, customerId)
}

async function refuseTakenValue(
  { it, context }: FileWrite,
  path: string,
  id: string,
  value: string,
): Promise<void> {
  if (value === '') return
  const other = await it.transaction
    .selectFrom('virtual_keys')
    .select('id')
    .where('digest', '=', digestCredential(context.keyring, value).toString('hex'))
    .where('id', '!=', id)
    .executeTakeFirst()
  if (other) refuse(`${path}.value`, `is the value of ${other.id} already`)
}

/** A key that may nothing yet. */
async function insertBare(
  { it, context }: FileWrite,
  id: string,
  { name, value }: VirtualKeyDefinition,
): Promise<void> {
  const { at: now, revision } = await it.begin()
  await insertVirtualKey(it.transaction, {
    id,
    name,
    description: '',
    ...sealedValue(context, id, value || `sk-bf-${newUuid(context.random)}`),
    previous_digest: null,
    previous_until: null,
    is_active: 1,
    team_id: null,
    customer_id: null,
    calendar_aligned: 0,
    expires_at: null,
    config_hash: null,
    created_at: now,
    updated_at: now,
    revision,
  })
}

function sealedValue({ keyring, random }: FileWrite['context'], id: string, value: string) {
  return {
    digest: digestCredential(keyring, value).toString('hex'),
    sealed_value: seal(keyring, random, value, virtualKeyPlace(id)),
  }
}

/** The columns of another value than before; the old one goes on as long as the client configuration says. */
async function rotated({ it, context }: FileWrite, before: VirtualKeyFact, value: string) {
  const isSame = value === '' || digestCredential(context.keyring, value).equals(before.digest)
  if (isSame) return {}
  const graceMs = rotationGraceMs((await readSetting<ClientConfig>(it.transaction, 'client_config')) ?? {})
  const { at: now } = await it.begin()
  return {
    ...sealedValue(context, before.id, value),
    previous_digest: graceMs > 0 ? before.digest.toString('hex') : null,
    previous_until: graceMs > 0 ? now + graceMs : null,
  }
}

async function providerConfigsOf(
  write: FileWrite,
  path: string,
  { providerConfigs }: VirtualKeyDefinition,
): Promise<ProviderConfigInput[]> {
  const inputs: ProviderConfigInput[] = []
  for (const [index, { provider, keyNames, ...config }] of providerConfigs.entries()) {
    const keyIds: string[] = []
    for (const name of keyNames) {
      const keyId = name === '*' ? name : await keyIdOf(write, provider, name)
      if (keyId === null)
        refuse(
          `${path}.provider_configs.${index}.key_ids`,
          `names the key ${JSON.stringify(name)}, which ${provider} has not`,
        )
      keyIds.push(keyId)
    }
    inputs.push({ provider, ...config, keyIds, limits: {} })
  }
  return inputs
}

/** Clients that there are not yet are left out, and the key may none of their tools. */
async function mcpConfigsOf(
  write: FileWrite,
  path: string,
  { mcpConfigs }: VirtualKeyDefinition,
): Promise<McpConfigInput[]> {
  const names = mcpConfigs.map(({ clientName }) => clientName)
  const known = await readMcpClientNames(write.it.transaction, { ids: [], names })
  const isKnown = new Set(known.map(({ name }) => name))
  return mcpConfigs.filter(({ clientName }, index) => {
    if (isKnown.has(clientName)) return true
    write.note({
      path: `${path}.mcp_configs.${index}.mcp_client_name`,
      message: `names the MCP client ${JSON.stringify(clientName)}, which there is not: this entry is left out`,
    })
    return false
  })
}
