import { getConfig } from '../config/get-config.ts'
import { updateConfig } from '../config/update-config.ts'
import { createMcpClient } from '../mcp/create-mcp-client.ts'
import { deleteMcpClient } from '../mcp/delete-mcp-client.ts'
import { listMcpClients } from '../mcp/list-mcp-clients.ts'
import { updateMcpClient } from '../mcp/update-mcp-client.ts'
import { listModelDetails } from '../models/list-model-details.ts'
import { listModels } from '../models/list-models.ts'
import { createProviderKey } from '../provider-keys/create-provider-key.ts'
import { deleteProviderKey } from '../provider-keys/delete-provider-key.ts'
import { getProviderKey } from '../provider-keys/get-provider-key.ts'
import { listAllKeys } from '../provider-keys/list-keys.ts'
import { listProviderKeys } from '../provider-keys/list-provider-keys.ts'
import { updateProviderKey } from '../provider-keys/update-provider-key.ts'
import { createProvider } from '../providers/create-provider.ts'
import { deleteProvider } from '../providers/delete-provider.ts'
import { getProvider } from '../providers/get-provider.ts'
import { listProviders } from '../providers/list-providers.ts'
import { updateProvider } from '../providers/update-provider.ts'
import type { Route } from '../route.ts'
import { getInfo } from './get-info.ts'
import type { SetupVisit } from './route.ts'

/** Every route that sets the installation up. */
export const setupRoutes: readonly Route<SetupVisit>[] = [
  listProviders,
  createProvider,
  getProvider,
  updateProvider,
  deleteProvider,
  listProviderKeys,
  createProviderKey,
  getProviderKey,
  updateProviderKey,
  deleteProviderKey,
  listAllKeys,
  listModels,
  listModelDetails,
  listMcpClients,
  createMcpClient,
  updateMcpClient,
  deleteMcpClient,
  getConfig,
  updateConfig,
  getInfo,
]
