import type { Failure } from '../../domain/failure.ts'
import { type EndpointFact, productionEnvironment } from '../facts.ts'

type Named = Pick<EndpointFact, 'slug' | 'targets'>

/** A secret stays while a target names it. */
export function secretStillNamed(endpoints: readonly Named[], secretId: string): Failure | null {
  return stillNamed(
    endpoints.find(({ targets: [target] }) => 'secretId' in target && target.secretId === secretId),
    `The secret ${secretId}`,
  )
}

/** An environment stays while a target names it, a model while a target names any of its environments. */
export function environmentStillNamed(
  endpoints: readonly Named[],
  modelId: string,
  gone: ReadonlySet<string>,
): Failure | null {
  for (const endpoint of endpoints) {
    const [target] = endpoint.targets
    if (target.provider !== 'BASETEN' || target.modelId !== modelId) continue
    const name = target.environment ?? productionEnvironment
    if (gone.has(name)) return stillNamed(endpoint, `The environment ${name} of ${modelId}`)
  }
  return null
}

function stillNamed(endpoint: Named | undefined, what: string): Failure | null {
  if (endpoint === undefined) return null
  return {
    failure: 'conflict',
    message: `${what} is named by the endpoint ${endpoint.slug}: give that another target first.`,
  }
}
