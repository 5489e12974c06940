import { isFailure } from '../domain/failure.ts'
import type { WorkspaceId } from '../domain/ids.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'

export const demoModel = 'demo/echo'

const workspaceId = 'default' as WorkspaceId
const caller = { workspaceId, actor: 'installation' }
const externalId = 'demo'

/** Says where the demo's model answers: its address is another at each start, so this comes before the first call. */
export async function pointDemo(tenancy: Tenancy, echoBaseUrl: string): Promise<void> {
  const applied = await tenancy.applyWorkspaces([
    {
      id: workspaceId,
      name: 'default',
      onboarded: true,
      slugPrefixes: [],
      domains: [],
      keys: [],
      secrets: [],
      environments: [
        {
          modelId: 'echo',
          name: 'production',
          baseUrl: echoBaseUrl,
          model: 'echo',
          apiKey: null,
          region: null,
        },
      ],
      registrationPublicKey: null,
    },
  ])
  if (applied !== null) throw new Error(`the demo cannot be made: ${JSON.stringify(applied)}`)
}

/**
 * Makes the world of a first start: an endpoint for the model that echoes, a group with two limits, and one key.
 * Returns the key where the group was made now, null at a later start.
 */
export async function ensureDemo(tenancy: Tenancy): Promise<string | null> {
  const existing = await tenancy.listGroups(workspaceId, { externalId, limit: 1, cursor: null })
  if (isFailure(existing)) throw new Error(`the demo cannot be read: ${JSON.stringify(existing)}`)
  return existing.items.length > 0 ? null : makeDemo(tenancy)
}

async function makeDemo(tenancy: Tenancy): Promise<string> {
  if (tenancy.snapshot().endpointBySlug(demoModel) === null) {
    expectMade(
      await tenancy.createEndpoint(caller, {
        slug: demoModel,
        region: 'UNRESTRICTED',
        targets: [{ provider: 'BASETEN', modelId: 'echo', environment: null, targetModel: null }],
      }),
    )
  }
  const [group] = expectMade(
    await tenancy.createGroup(caller, {
      name: 'demo',
      externalId,
      parentId: null,
      enforcement: null,
      models: [
        {
          slug: demoModel,
          limits: [
            { family: 'rate', metric: 'request', unit: 'minute', threshold: 60, strict: false },
            { family: 'usage', metric: 'token', unit: 'day', threshold: 100_000, strict: false },
          ],
        },
      ],
    }),
  )
  return expectMade(await tenancy.mintKey(caller, group.id, 'demo')).value
}

function expectMade<T>(made: T): Exclude<T, { failure: string }> {
  if (isFailure(made)) throw new Error(`the demo cannot be made: ${JSON.stringify(made)}`)
  return made as Exclude<T, { failure: string }>
}
