import { clientDefaults } from '../../tenancy/governance/client/client-config.ts'
import { setupRoute } from '../setup/route.ts'
import { Configuration } from './schemas.ts'
import { toAuthConfig } from './shape.ts'

export const getConfig = setupRoute({
  method: 'GET',
  path: '/api/config',
  operationId: 'getConfig',
  tag: 'Configuration',
  summary: 'Gets the configuration',
  description: 'Switches with their defaults filled in, and how people come in, without passwords.',
  returns: Configuration,
  refuses: {},

  async handle({ tenancy }) {
    const { client, auth } = tenancy.snapshot().governance
    return {
      client_config: { ...clientDefaults, ...client } as Record<string, unknown>,
      framework_config: { pricing_url: '', pricing_sync_interval: 0 },
      ...(auth === null ? {} : { auth_config: toAuthConfig(auth) }),
      proxy_config: { enabled: false },
      is_db_connected: true,
      is_cache_connected: false,
      is_logs_connected: true,
      restart_required: { required: false },
    }
  },
})
