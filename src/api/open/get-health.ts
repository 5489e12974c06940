import { z } from 'zod'
import type { Failure } from '../../domain/failure.ts'
import { isUnavailable } from '../../store/errors.ts'
import { clientDefaults } from '../../tenancy/governance/client/client-config.ts'
import type { Tenancy } from '../../tenancy/tenancy.ts'
import { openRoute } from './route.ts'

const away: Failure = { failure: 'overloaded', reason: 'database', retryAfterMs: 1000 }

export const getHealth = openRoute({
  method: 'GET',
  path: '/health',
  operationId: 'getHealth',
  tag: 'Status',
  summary: 'Tells whether the gateway is well',
  description: 'Asks the database, unless `client_config.disable_db_pings_in_health` says otherwise.',
  returns: z
    .object({ status: z.string(), components: z.object({ db_pings: z.string() }) })
    .meta({ id: 'Health' }),
  refuses: {},

  async handle({ tenancy }) {
    const { client } = tenancy.snapshot().governance
    if (client.disable_db_pings_in_health ?? clientDefaults.disable_db_pings_in_health)
      return { status: 'ok', components: { db_pings: 'disabled' } }
    return (await isDatabaseThere(tenancy)) ? { status: 'ok', components: { db_pings: 'ok' } } : away
  },
})

const asking = new WeakMap<Tenancy, Promise<boolean>>()

/** However many ask at once, the database is asked once. */
function isDatabaseThere(tenancy: Tenancy): Promise<boolean> {
  const underWay = asking.get(tenancy)
  if (underWay !== undefined) return underWay
  const asked = tenancy
    .refresh()
    .then(
      () => true,
      (error) => {
        if (isUnavailable(error)) return false
        throw error
      },
    )
    .finally(() => asking.delete(tenancy))
  asking.set(tenancy, asked)
  return asked
}
