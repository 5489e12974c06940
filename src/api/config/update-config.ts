import { z } from 'zod'
import { type Failure, isFailure } from '../../domain/failure.ts'
import { setupRoute } from '../setup/route.ts'
import { AuthConfigChange, ClientConfigChange } from './schemas.ts'

const exposed = (member: string): Failure => ({
  failure: 'invalid',
  message: `${member}: may be false only where the gateway listens on loopback, or was started with --insecure`,
})

export const updateConfig = setupRoute({
  method: 'PUT',
  path: '/api/config',
  operationId: 'updateConfig',
  tag: 'Configuration',
  summary: 'Changes the configuration',
  description: 'What is left out stays as it is. A new password, or another user name, ends every session.',
  body: z
    .object({ client_config: ClientConfigChange, auth_config: AuthConfigChange })
    .partial()
    .meta({ id: 'ConfigurationChange' }),
  returns: z.object({ status: z.string(), message: z.string() }),
  refuses: {},

  async handle({ body, tenancy, operator, mayStandOpen }) {
    const { client_config, auth_config } = body
    const change = client_config === undefined ? null : withPresentNames(client_config)
    if (!mayStandOpen && auth_config?.is_enabled === false) return exposed('auth_config.is_enabled')
    if (!mayStandOpen && change?.enforce_auth_on_inference === false)
      return exposed('client_config.enforce_auth_on_inference')
    if (auth_config !== undefined) {
      const set = await tenancy.setAuth(operator, auth_config)
      if (isFailure(set)) return set
    }
    if (change !== null) {
      const set = await tenancy.setClientConfig(operator, change)
      if (isFailure(set)) return set
    }
    return { status: 'success', message: 'Configuration updated successfully' }
  },
})

/** The older name of a switch says what the present one does, unless that is said too. */
function withPresentNames({ enforce_governance_header, ...members }: z.output<typeof ClientConfigChange>) {
  const change: Readonly<Record<string, unknown>> =
    enforce_governance_header === undefined
      ? members
      : { enforce_auth_on_inference: enforce_governance_header, ...members }
  return change
}
