import type { Route } from '../route.ts'
import { createAdminKey } from './admin-keys/create-admin-key.ts'
import { listAdminKeys } from './admin-keys/list-admin-keys.ts'
import { revokeAdminKey } from './admin-keys/revoke-admin-key.ts'
import { rotateAdminKey } from './admin-keys/rotate-admin-key.ts'
import { dropCatalog } from './catalog/drop-catalog.ts'
import { getCatalog } from './catalog/get-catalog.ts'
import { importCatalog } from './catalog/import-catalog.ts'
import { getDeadLetter } from './dead-letters/get-dead-letter.ts'
import { listDeadLetters } from './dead-letters/list-dead-letters.ts'
import { redeliverDeadLetter } from './dead-letters/redeliver.ts'
import { redeliverDeadLetters } from './dead-letters/redeliver-all.ts'
import { listDeliveries } from './deliveries/list-deliveries.ts'
import { explain } from './explain/explain.ts'
import { createModel } from './models/create-model.ts'
import { deleteEnvironment } from './models/delete-environment.ts'
import { deleteModel } from './models/delete-model.ts'
import { getModel } from './models/get-model.ts'
import { listModels } from './models/list-models.ts'
import { replaceEnvironment } from './models/replace-environment.ts'
import { replaceModel } from './models/replace-model.ts'
import type { AdminVisit } from './route.ts'
import { createSecret } from './secrets/create-secret.ts'
import { deleteSecret } from './secrets/delete-secret.ts'
import { listSecrets } from './secrets/list-secrets.ts'
import { rotateSecret } from './secrets/rotate-secret.ts'
import { deleteWebhook } from './webhooks/delete-webhook.ts'
import { getWebhook } from './webhooks/get-webhook.ts'
import { pauseWebhook } from './webhooks/pause-webhook.ts'
import { putWebhook } from './webhooks/put-webhook.ts'
import { resumeWebhook } from './webhooks/resume-webhook.ts'
import { rotateWebhookSecret } from './webhooks/rotate-secret.ts'
import { createWorkspaceKey } from './workspace-keys/create-workspace-key.ts'
import { listWorkspaceKeys } from './workspace-keys/list-workspace-keys.ts'
import { revokeWorkspaceKey } from './workspace-keys/revoke-workspace-key.ts'
import { rotateWorkspaceKey } from './workspace-keys/rotate-workspace-key.ts'
import { attachDomain } from './workspaces/attach-domain.ts'
import { createWorkspace } from './workspaces/create-workspace.ts'
import { deleteWorkspace } from './workspaces/delete-workspace.ts'
import { detachDomain } from './workspaces/detach-domain.ts'
import { getWorkspace } from './workspaces/get-workspace.ts'
import { listWorkspaces } from './workspaces/list-workspaces.ts'
import { updateWorkspace } from './workspaces/update-workspace.ts'

/** Every route of the operator's API. Server and document are made from it. */
export const adminRoutes: readonly Route<AdminVisit>[] = [
  listWorkspaces,
  createWorkspace,
  getWorkspace,
  updateWorkspace,
  deleteWorkspace,
  attachDomain,
  detachDomain,
  listWorkspaceKeys,
  createWorkspaceKey,
  rotateWorkspaceKey,
  revokeWorkspaceKey,
  listSecrets,
  createSecret,
  rotateSecret,
  deleteSecret,
  listModels,
  createModel,
  getModel,
  replaceModel,
  deleteModel,
  replaceEnvironment,
  deleteEnvironment,
  listAdminKeys,
  createAdminKey,
  rotateAdminKey,
  revokeAdminKey,
  explain,
  getCatalog,
  importCatalog,
  dropCatalog,
  getWebhook,
  putWebhook,
  deleteWebhook,
  rotateWebhookSecret,
  pauseWebhook,
  resumeWebhook,
  listDeliveries,
  listDeadLetters,
  // Before what could take its last step for an id.
  redeliverDeadLetters,
  getDeadLetter,
  redeliverDeadLetter,
]
