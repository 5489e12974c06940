import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type AddedKey,
  type GovernanceWorld,
  openGovernance,
} from '../../../test/published/governance-world.ts'
import { databases } from '../../../test/setup/databases.ts'
import { dressAdmin } from '../admin/failures.ts'
import { type Door, serveRoutes } from '../serve.ts'
import type { GovernanceVisit } from './route.ts'
import { governanceRoutes } from './routes.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
type Json = any

const [sqlite] = databases()
let world: GovernanceWorld
let own: AddedKey
let sibling: AddedKey
let foreign: AddedKey
let asKey: (method: string, path: string) => Promise<{ status: number; body: Json }>

const budgets = [{ max_limit: 1, reset_duration: '1d' }]
const limits = { budgets: [{ maxLimit: '1', resetDuration: '1d' }] }
const ids = { team: '', otherTeam: '', customer: '', otherCustomer: '' }

beforeAll(async () => {
  if (sqlite === undefined) throw new Error('there is always SQLite')
  world = await openGovernance(await sqlite.open())
  const make = async (path: string, body: object) => {
    const answer = await world.call('POST', path, body)
    return (answer.body.team ?? answer.body.customer).id as string
  }
  ids.customer = await make('/customers', { name: 'Acme', budgets })
  ids.otherCustomer = await make('/customers', { name: 'Zenith', budgets })
  ids.team = await make('/teams', { name: 'ML', customer_id: ids.customer, budgets })
  ids.otherTeam = await make('/teams', { name: 'Web', customer_id: ids.customer, budgets })
  own = await world.addKey({ name: 'own', teamId: ids.team, limits })
  sibling = await world.addKey({ name: 'sibling', teamId: ids.team, limits })
  foreign = await world.addKey({ name: 'foreign', teamId: ids.otherTeam, limits })

  const { tenancy, counters, now: clock } = world
  const services = { tenancy, counters, clock }
  const door: Door<GovernanceVisit> = {
    admit() {
      const key = tenancy.snapshot().governance.virtualKey(own.id)
      if (key === null) throw new Error('the key is there')
      return { ...services, principal: { kind: 'virtual_key', key }, operator: { actor: 'tests' } }
    },
    dress: dressAdmin,
  }
  const { request } = serveRoutes(['/api/governance'], governanceRoutes, door, (error) => {
    throw error
  })
  asKey = async (method, path) => {
    const answer = await request(`http://localhost/api/governance${path}`, { method })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
})
afterAll(() => world.close())

const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id)

test('a virtual key lists its team and customer, and in them nothing of others', async () => {
  const { body: teams } = await asKey('GET', '/teams')
  expect([idsOf(teams.teams), teams.count, teams.total_count]).toEqual([[ids.team], 1, 1])
  const { body: customers } = await asKey('GET', '/customers?limit=10')
  expect(idsOf(customers.customers)).toEqual([ids.customer])
  expect(idsOf(customers.customers[0].teams)).toEqual([ids.team])
  expect(JSON.stringify([teams, customers])).not.toContain(foreign.id)
})

test('a virtual key sees its own value, and of others of its team only the beginning', async () => {
  const { body } = await asKey('GET', `/teams/${ids.team}`)
  const values = Object.fromEntries(
    (body.team.virtual_keys as { id: string; value: string }[]).map(({ id, value }) => [id, value]),
  )
  expect(values).toEqual({ [own.id]: own.value, [sibling.id]: `${sibling.value.slice(0, 10)}…` })
})

test("others' teams and customers are not there for a virtual key", async () => {
  for (const path of [`/teams/${ids.otherTeam}`, `/customers/${ids.otherCustomer}`]) {
    expect((await asKey('GET', path)).status).toBe(404)
  }
  expect((await asKey('GET', `/customers/${ids.customer}`)).status).toBe(200)
})

test('a virtual key lists the limits that hold for it', async () => {
  const { body } = await asKey('GET', '/budgets')
  const owners = (body.budgets as object[]).map((budget) =>
    Object.entries(budget).find(([name]) => /^(team|customer|virtual_key)_id$/.test(name)),
  )
  expect(owners).toHaveLength(3)
  expect(owners).toEqual(
    expect.arrayContaining([
      ['virtual_key_id', own.id],
      ['team_id', ids.team],
      ['customer_id', ids.customer],
    ]),
  )
})
