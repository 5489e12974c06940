import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { databases } from '../../test/setup/databases.ts'
import { openBilling } from '../billing/billing.ts'
import { isFailure } from '../domain/failure.ts'
import { ulidSource } from '../domain/ids.ts'
import { openMemoryCounters } from '../limits/memory.ts'
import type { Database } from '../store/database.ts'
import { StoreUnavailable } from '../store/errors.ts'
import { openTenancy } from '../tenancy/tenancy.ts'
import { openRateLimit } from './rate-limit.ts'
import { route } from './route.ts'
import { serveRoutes } from './serve.ts'
import { workspaceDoor } from './workspace-door.ts'

let database: Database | undefined
beforeEach(async () => {
  database = await databases()[0]?.open()
})
afterEach(() => database?.close())

/** What a caller gets from a route that throws, and what was reported. */
async function answerWhenThrown(error: Error): Promise<{ answer: Response; reported: unknown[] }> {
  if (database === undefined) throw new Error('no database')
  const newUlid = ulidSource()
  const tenancy = await openTenancy({
    database,
    clock: Date.now,
    newUlid,
    random: randomBytes,
    masterKey: 'master',
    counters: openMemoryCounters(),
  })
  if (isFailure(tenancy)) throw new Error(tenancy.failure)
  const { value } = await tenancy.createAdminKey('test', 'ops')
  const throwing = route({
    method: 'GET',
    path: '/v1/test/things/{thing_id}',
    operationId: 'getThing',
    tag: 'Things',
    summary: '',
    description: '',
    returns: z.object({}),
    refuses: {},
    handle: () => Promise.reject(error),
  })
  const reported: unknown[] = []
  const billing = openBilling({ database, masterKey: 'master', clock: Date.now, newUlid })
  const services = {
    tenancy,
    billing,
    counters: openMemoryCounters(),
    clock: Date.now,
    rateLimit: openRateLimit(100),
  }
  const app = serveRoutes(
    ['/v1/test'],
    [throwing],
    workspaceDoor(services),
    (bug) => `bug-${reported.push(bug)}`,
  )
  const headers = { authorization: `Bearer ${value}` }
  return { answer: await app.request('/v1/test/things/1', { headers }), reported }
}

test('a bug is reported once and answered by the name the log has it under', async () => {
  const bug = new Error('the secret detail')
  const { answer, reported } = await answerWhenThrown(bug)
  expect(answer.status).toBe(500)
  const body = await answer.text()
  expect(JSON.parse(body)).toEqual({ code: 'INTERNAL_ERROR', message: expect.stringContaining('bug-1') })
  expect(body).not.toContain('secret detail')
  expect(reported).toEqual([bug])
})

test('a database that is away is 503, to be tried again, and no bug', async () => {
  const { answer, reported } = await answerWhenThrown(new StoreUnavailable('away'))
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await answer.json()).toEqual({ code: 'UNAVAILABLE', message: expect.any(String) })
  expect(reported).toEqual([])
})
