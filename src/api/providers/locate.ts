import { type Failure, isFailure } from '../../domain/failure.ts'
import type { ProviderFact, ProviderKeyFact } from '../../tenancy/governance/facts.ts'
import type { Tenancy } from '../../tenancy/tenancy.ts'

type Params = Readonly<Record<string, string>>

/** The provider that a path names. */
export function locateProvider(tenancy: Tenancy, { provider = '' }: Params): ProviderFact | Failure {
  return tenancy.snapshot().governance.provider(provider) ?? { failure: 'not_found', what: 'provider' }
}

/** The key that a path names. */
export function locateKey(tenancy: Tenancy, params: Params): ProviderKeyFact | Failure {
  const provider = locateProvider(tenancy, params)
  if (isFailure(provider)) return provider
  const key = provider.keys.find(({ keyId }) => keyId === params.key_id)
  return key ?? { failure: 'not_found', what: 'provider_key' }
}

/** Whether there is the provider that a path names. */
export async function findProvider(request: {
  readonly tenancy: Tenancy
  readonly params: Params
}): Promise<Failure | null> {
  const provider = locateProvider(request.tenancy, request.params)
  return isFailure(provider) ? provider : null
}

/** Whether there is the key that a path names. */
export async function findKey(request: {
  readonly tenancy: Tenancy
  readonly params: Params
}): Promise<Failure | null> {
  const key = locateKey(request.tenancy, request.params)
  return isFailure(key) ? key : null
}
