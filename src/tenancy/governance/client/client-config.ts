import type { Failure } from '../../../domain/failure.ts'
import type { Operator } from '../../write.ts'
import { lockGovernance, ofInstallation, type ProcessContext } from '../context.ts'
import type { ClientConfig } from '../facts.ts'
import { readSetting, writeSetting } from '../settings.sql.ts'
import { clientFault } from './client-faults.ts'

/** What holds where nothing else is written. */
export const clientDefaults = {
  initial_pool_size: 300,
  drop_excess_requests: false,
  enable_logging: true,
  disable_content_logging: false,
  log_retention_days: 365,
  logging_headers: [],
  hidden_request_types: [],
  allowed_origins: ['*'],
  allowed_headers: [],
  enforce_auth_on_inference: true,
  allow_direct_keys: false,
  max_request_body_size_mb: 100,
  whitelisted_routes: [],
  required_headers: [],
  prometheus_labels: [],
  compat: {},
  header_filter_config: {},
  vk_rotation_cooldown: 0,
  mcp_agent_depth: 10,
  mcp_tool_execution_timeout: 30,
  mcp_tool_sync_interval: 10,
  mcp_disable_auto_tool_inject: false,
  mcp_server_auth_mode: 'headers',
  async_job_result_ttl: 3600,
  webhook_config: { delivery_history_retention_days: 30 },
  stream_extra_fields: 'edges',
  fallback_on_content_filter: false,
  stream_keepalive_seconds: 15,
  routing_chain_max_depth: 10,
  disable_db_pings_in_health: false,
} satisfies ClientConfig

export interface ClientConfigs {
  /** Members that are left out stay as they are; null brings a default back. */
  setClientConfig(
    operator: Operator,
    change: Readonly<Record<string, unknown>>,
  ): Promise<ClientConfig | Failure>
}

export function clientConfigsOf({ write, variable }: ProcessContext): ClientConfigs {
  return {
    async setClientConfig(operator, change) {
      const given: ClientConfig = Object.fromEntries(
        Object.entries(change).filter(([, value]) => value !== null),
      )
      const fault = await clientFault(given, variable)
      if (fault !== null)
        return { failure: 'invalid', message: `client_config.${fault.path}: ${fault.message}` }
      return write<ClientConfig>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const stored = await readSetting<ClientConfig>(it.transaction, 'client_config')
        const members = Object.entries({ ...stored, ...change }).filter(([, value]) => value !== null)
        const next: ClientConfig = Object.fromEntries(members)
        const stamp = await it.begin()
        await writeSetting(it.transaction, 'client_config', next, stamp)
        await it.audit('CLIENT_CONFIGURED', 'client_config', { members: Object.keys(change) })
        return next
      })
    },
  }
}
