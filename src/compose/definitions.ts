import type { WorkspaceSection } from '../config/schema.ts'
import type { WorkspaceId } from '../domain/ids.ts'
import type { WebhookDefinition } from '../tenancy/workspaces/webhooks.ts'
import type { WorkspaceDefinition } from '../tenancy/workspaces/workspaces.ts'

/** A workspace of the configuration file in the terms of tenancy. */
export function definitionOf(section: WorkspaceSection): WorkspaceDefinition {
  return {
    id: section.id,
    name: section.name ?? section.id,
    onboarded: section.onboarded,
    slugPrefixes: section.slug_prefixes,
    domains: section.domains.map((domain) => domain.toLowerCase()),
    keys: section.api_keys,
    secrets: section.secrets,
    environments: section.models.flatMap((model) =>
      Object.entries(model.environments).map(([name, environment]) => ({
        modelId: model.id,
        name,
        baseUrl: environment.base_url,
        model: environment.model ?? null,
        apiKey: environment.api_key ?? null,
        region: environment.region ?? null,
      })),
    ),
    registrationPublicKey: section.registration_public_key ?? null,
  }
}

/** Its webhook; none where the file names none. */
export function webhooksOf({ id, webhook }: WorkspaceSection): readonly WebhookDefinition[] {
  return webhook === undefined ? [] : [{ workspaceId: id as WorkspaceId, ...webhook }]
}
