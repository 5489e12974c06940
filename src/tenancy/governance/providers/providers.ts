import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { ProviderTable } from '../../../store/governance-schema.ts'
import { seal } from '../../sealing/sealing.ts'
import type { Operator } from '../../write.ts'
import { lockGovernance, nextNumber, ofInstallation, type ProcessContext } from '../context.ts'
import type { ProviderFact, ProviderSettings } from '../facts.ts'
import { deleteLimitsOfProvider } from '../limits/provider-limits.ts'
import { bury } from '../owners/tombstones.sql.ts'
import { deletePricingOverridesOfProvider } from '../prices/pricing-overrides.sql.ts'
import { storedJson } from '../stored.ts'
import { type NewKey, newKeyRow } from './provider-keys.ts'
import { badProvider } from './provider-rules.ts'
import {
  deleteProviderRows,
  insertProvider,
  openProvider,
  providerPlace,
  readProvider,
  type SealedProvider,
  updateProviderRow,
  upsertProviderKey,
} from './providers.sql.ts'
import { keptOrNew } from './written-secrets.ts'

type Section = Readonly<Record<string, unknown>>

/**
 * Sections of a provider as they are written, secrets among them: what is left out, also within a section, stays as it is,
 * and null brings the default back.
 */
export type ProviderChange = Readonly<Record<string, unknown>>

/** Who serves models, as operators handle them. */
export interface Providers {
  createProvider(
    operator: Operator,
    name: string,
    wish: ProviderChange,
    keys: readonly NewKey[],
  ): Promise<ProviderFact | Failure>
  updateProvider(operator: Operator, name: string, change: ProviderChange): Promise<ProviderFact | Failure>
  /** With its keys. */
  deleteProvider(operator: Operator, name: string): Promise<ProviderFact | Failure>
}

const noProvider: Failure = { failure: 'not_found', what: 'provider' }
const taken: Failure = { failure: 'conflict', message: 'A provider with this name already exists' }

/** Sections whose members are told one by one; any other is told whole. */
const mergedSections = ['network_config', 'proxy_config', 'custom_provider_config']

export function providersOf(context: ProcessContext): Providers {
  const { write, keyring, random, world } = context
  const written = (name: string): ProviderFact | Failure => world().provider(name) ?? noProvider
  const sealed = (name: string, secrets: SealedProvider) =>
    Object.keys(secrets).length === 0
      ? null
      : seal(keyring, random, JSON.stringify(secrets), providerPlace(name))

  return {
    async createProvider(operator, name, wish, keys) {
      const outcome = await write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        if ((await readProvider(it.transaction, name)) !== null) return taken
        const next = changed(context, { settings: {}, secrets: {} }, wish)
        if (isFailure(next)) return next
        const fault = badProvider(name, next.settings)
        if (fault !== null) return fault
        const keyRows = []
        for (const key of keys) {
          const row = await newKeyRow(context, it, { name, settings: next.settings }, key, keyRows)
          if (isFailure(row)) return row
          keyRows.push(row)
        }
        const { revision, at } = await it.begin()
        const row: ProviderTable = {
          id: await nextNumber(it.transaction, 'provider'),
          name,
          settings: JSON.stringify(next.settings),
          sealed_secrets: sealed(name, next.secrets),
          is_base_url_trusted: 0,
          config_hash: null,
          created_at: at,
          updated_at: at,
          revision,
        }
        await insertProvider(it.transaction, row)
        for (const key of keyRows) {
          const id = await nextNumber(it.transaction, 'provider_key')
          await upsertProviderKey(it.transaction, { ...key, id, created_at: at, updated_at: at })
        }
        await it.audit('PROVIDER_CREATED', name, { provider: name, keys: keyRows.length })
        return true
      })
      return isFailure(outcome) ? outcome : written(name)
    },

    async updateProvider(operator, name, change) {
      const outcome = await write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const row = await readProvider(it.transaction, name)
        if (row === null) return noProvider
        const before = {
          settings: storedJson<ProviderSettings>(row.settings),
          secrets: openProvider(keyring, row),
        }
        const next = changed(context, before, change)
        if (isFailure(next)) return next
        const fault = badProvider(name, next.settings)
        if (fault !== null) return fault
        const { revision, at } = await it.begin()
        const isMoved = before.settings.network_config?.base_url !== next.settings.network_config?.base_url
        await updateProviderRow(it.transaction, name, {
          settings: JSON.stringify(next.settings),
          sealed_secrets: sealed(name, next.secrets),
          is_base_url_trusted: isMoved ? 0 : row.is_base_url_trusted,
          updated_at: Math.max(at, row.updated_at + 1),
          revision,
        })
        await it.audit('PROVIDER_UPDATED', name, { provider: name, members: Object.keys(change) })
        return true
      })
      return isFailure(outcome) ? outcome : written(name)
    },

    async deleteProvider(operator, name) {
      const before = world().provider(name)
      const outcome = await write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        if ((await readProvider(it.transaction, name)) === null || before === null) return noProvider
        const stamp = await it.begin()
        const { revision } = stamp
        await deleteLimitsOfProvider(it, name, stamp)
        await deletePricingOverridesOfProvider(it.transaction, name, revision)
        await deleteProviderRows(it.transaction, name)
        await bury(it.transaction, 'provider', name, revision)
        await it.audit('PROVIDER_DELETED', name, { provider: name })
        return true
      })
      return isFailure(outcome) ? outcome : (before ?? noProvider)
    },
  }
}

interface Split {
  readonly settings: ProviderSettings
  readonly secrets: SealedProvider
}

/** What is there after a change, its secrets apart. */
function changed(
  { variable }: Pick<ProcessContext, 'variable'>,
  before: Split,
  change: ProviderChange,
): Split | Failure {
  const secrets = changedSecrets(variable, before.secrets, change)
  return isFailure(secrets) ? secrets : { settings: changedSettings(before.settings, change), secrets }
}

/** A provider's settings after a change, without secrets: null takes away, what is left out stays. */
export function changedSettings(before: ProviderSettings, change: ProviderChange): ProviderSettings {
  const settings: Record<string, unknown> = { ...before }
  for (const [member, value] of Object.entries(change)) {
    if (value === undefined) continue
    const next =
      value !== null && mergedSections.includes(member)
        ? merged(settings[member] as Section | undefined, withoutSecrets(value as Section))
        : value
    if (next === null) delete settings[member]
    else settings[member] = next
  }
  return settings
}

function changedSecrets(
  variable: ProcessContext['variable'],
  before: SealedProvider,
  change: ProviderChange,
): SealedProvider | Failure {
  const network = sectionOf(change, 'network_config')
  const proxy = sectionOf(change, 'proxy_config')
  let { extra_headers: headers, proxy_password: password } = before
  if (network === null || network?.extra_headers === null) headers = undefined
  if (proxy === null || proxy?.password === null) password = undefined
  if (network?.extra_headers) {
    const next: Record<string, string> = {}
    for (const [name, given] of Object.entries(network.extra_headers as Record<string, string>)) {
      const member = `network_config.extra_headers.${name}`
      const kept = keptOrNew(given, before.extra_headers?.[name], member, variable)
      if (isFailure(kept)) return kept
      next[name] = kept
    }
    headers = next
  }
  if (typeof proxy?.password === 'string') {
    const kept = keptOrNew(proxy.password, before.proxy_password, 'proxy_config.password', variable)
    if (isFailure(kept)) return kept
    password = kept
  }
  return {
    ...(headers === undefined ? {} : { extra_headers: headers }),
    ...(password === undefined ? {} : { proxy_password: password }),
  }
}

function sectionOf(change: ProviderChange, member: string): Section | null | undefined {
  return change[member] as Section | null | undefined
}

function withoutSecrets(section: Section): Section {
  const { extra_headers: _headers, password: _password, ...rest } = section
  return rest
}

function merged(before: Section | undefined, change: Section): Section {
  const members = Object.entries({ ...before, ...change }).filter(([, value]) => value !== null)
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}
