import type { Failure } from '../../../domain/failure.ts'
import { lockGovernance, ofInstallation } from '../context.ts'
import type { GovernanceFile } from './definition.ts'
import {
  type FileContext,
  type FileNote,
  FileRefused,
  type FileWrite,
  fromFile,
  openFileWrite,
} from './file-write.ts'
import { pruneBudgets, pruneRateLimits, writeBudgets, writeRateLimits } from './limits.ts'
import { pruneMcpClients, writeMcpClients } from './mcp-clients.ts'
import { pruneCustomers, pruneTeams, writeCustomers, writeTeams } from './parties.ts'
import {
  pruneModelConfigs,
  prunePricingOverrides,
  pruneProviderLimits,
  pruneRoutingRules,
  writeModelConfigs,
  writePricingOverrides,
  writeProviderLimitRows,
  writeRoutingRules,
} from './policies.ts'
import { pruneProviders, writeProviders } from './providers.ts'
import { writeAuth, writeClientConfig } from './settings.ts'
import { matchVirtualKeys, pruneVirtualKeys, writeVirtualKeys } from './virtual-keys.ts'

export interface GovernanceFiles {
  /**
   * Brings what is stored to what the file says, entity by entity: one that the file has not written yet, or has written
   * otherwise, is overwritten, and keeps what its limits have counted; one whose entry is the same as last time keeps
   * what was changed since. What the file does not name stays, unless the file is the source of truth: then what its
   * sections do not name goes. All of it or nothing. Answers with what was left out.
   */
  applyGovernanceFile(file: GovernanceFile): Promise<readonly FileNote[] | Failure>
}

const taken = (path: string, what: string): Failure => ({
  failure: 'invalid',
  message: `${path}: ${what} is that of two, one of them not of this file`,
})

const conflicts = {
  'customers(name)': taken('governance.customers', 'a name'),
  'teams(name)': taken('governance.teams', 'a name'),
  'virtual_keys(name)': taken('governance.virtual_keys', 'a name'),
  'virtual_keys(digest)': taken('governance.virtual_keys', 'a value'),
} as const

export function governanceFilesOf(context: FileContext): GovernanceFiles {
  return {
    async applyGovernanceFile(file) {
      try {
        return await context.write(
          ofInstallation(fromFile),
          async (it) => {
            await lockGovernance(it)
            const write = openFileWrite(context, it, file.isSourceOfTruth)
            await matchVirtualKeys(write, file.virtualKeys ?? [])
            if (file.isSourceOfTruth) await prune(write, file)
            await apply(write, file)
            return write.notes
          },
          conflicts,
        )
      } catch (error) {
        if (error instanceof FileRefused) return error.failure
        throw error
      }
    },
  }
}

/** What a section names must be there when it is written. */
async function apply(write: FileWrite, file: GovernanceFile): Promise<void> {
  if (file.client) await writeClientConfig(write, file.client)
  if (file.auth) await writeAuth(write, file.auth)
  await writeProviders(write, file.providers ?? [])
  await writeMcpClients(write, file.mcpClients ?? [])
  await writeCustomers(write, file.customers ?? [])
  await writeTeams(write, file.teams ?? [])
  await writeVirtualKeys(write, file.virtualKeys ?? [])
  await writeModelConfigs(write, file.modelConfigs ?? [])
  await writeProviderLimitRows(write, file.providerLimits ?? [])
  await writeBudgets(write, file.budgets ?? [])
  await writeRateLimits(write, file.rateLimits ?? [])
  await writeRoutingRules(write, file.routingRules ?? [])
  await writePricingOverrides(write, file.pricingOverrides ?? [])
}

/** Before anything is made, because what is gone gives its name free. */
async function prune(write: FileWrite, file: GovernanceFile): Promise<void> {
  if (file.pricingOverrides) await prunePricingOverrides(write, file.pricingOverrides)
  if (file.routingRules) await pruneRoutingRules(write, file.routingRules)
  if (file.budgets) await pruneBudgets(write, file.budgets)
  if (file.rateLimits) await pruneRateLimits(write, file.rateLimits)
  if (file.providerLimits) await pruneProviderLimits(write, file.providerLimits)
  if (file.modelConfigs) await pruneModelConfigs(write, file.modelConfigs)
  if (file.virtualKeys) await pruneVirtualKeys(write, file.virtualKeys)
  if (file.teams) await pruneTeams(write, file.teams)
  if (file.customers) await pruneCustomers(write, file.customers)
  if (file.mcpClients) await pruneMcpClients(write, file.mcpClients)
  if (file.providers) await pruneProviders(write, file.providers)
}
