import { setupRoute } from '../setup/route.ts'
import { locateProvider } from './locate.ts'
import { Provider } from './schemas.ts'
import { toProvider } from './shape.ts'

export const getProvider = setupRoute({
  method: 'GET',
  path: '/api/providers/{provider}',
  operationId: 'getProvider',
  tag: 'Provider setup',
  summary: 'Gets a provider',
  description: 'Without its secrets.',
  returns: Provider,
  refuses: { 404: 'There is no such provider' },

  async handle({ params, tenancy }) {
    const provider = locateProvider(tenancy, params)
    return 'failure' in provider ? provider : toProvider(provider)
  },
})
