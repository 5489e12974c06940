import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { databases } from '../../../../test/setup/databases.ts'
import { isFailure } from '../../../domain/failure.ts'
import { ulidSource } from '../../../domain/ids.ts'
import { openMemoryCounters } from '../../../limits/memory.ts'
import { periodOf } from '../../../limits/window.ts'
import type { Database } from '../../../store/database.ts'
import { openTenancy } from '../../tenancy.ts'
import type { BudgetFact } from '../facts.ts'
import { followLimits } from './limit-changes.ts'
import { budgetCounter, budgetRow, windowOfLimit } from './limit-rows.ts'

const at = Date.UTC(2026, 10, 2, 8, 15)
const operator = { actor: 'tests' }

async function openInstance(database: Database, clock = () => at) {
  const counters = openMemoryCounters()
  const tenancy = await openTenancy({
    database,
    clock,
    newUlid: ulidSource(),
    random: randomBytes,
    masterKey: 'm',
    counters,
    onLimitsChanged: (changes) => followLimits(counters, changes),
  })
  if (isFailure(tenancy)) throw new Error(JSON.stringify(tenancy))
  const budgetOf = (teamId: string): BudgetFact => {
    const [budget] = tenancy.snapshot().governance.team(teamId)?.budgets ?? []
    if (budget === undefined) throw new Error('the team has a budget')
    return budget
  }
  return {
    tenancy,
    counters,
    charge(teamId: string, dollars: number) {
      const budget = budgetOf(teamId)
      const { generation, id } = budget
      const amount = { whole: dollars * 1_000_000, pico: 0 }
      counters.adjust({
        counter: budgetCounter(id),
        generation,
        ...periodOf(windowOfLimit(budget), clock()),
        amount,
      })
    },
    used(teamId: string) {
      const [reading] = counters.read([budgetRow(budgetOf(teamId), clock())], clock())
      return (reading?.used?.whole ?? 0) / 1_000_000
    },
  }
}

describe.each(databases())('limits that another instance changes on $name', ({ open }) => {
  test('are followed once, in the order in which they were changed', async () => {
    const database = await open()
    const [here, there] = [await openInstance(database), await openInstance(database)]
    const budget = { maxLimit: '9', resetDuration: '1d' }
    const team = await here.tenancy.createTeam(operator, { name: 'ML', limits: { budgets: [budget] } })
    if (isFailure(team)) throw new Error(JSON.stringify(team))
    const change = (limits: object) => here.tenancy.updateTeam(operator, team.id, { limits })
    await there.tenancy.refresh()
    for (const instance of [here, there]) instance.charge(team.id, 5)

    // What was taken back belongs to the old generation, and both come at once to who did not write them.
    await change({ resetsUsage: true })
    for (const instance of [here, there]) instance.charge(team.id, 2)
    const [first] = team.budgets
    await change({ budgets: [{ id: first?.id, resetDuration: '1M' }] })
    expect(here.used(team.id)).toBe(2)
    await there.tenancy.refresh()
    expect(there.used(team.id)).toBe(2)
    await change({ resetsUsage: true })
    await there.tenancy.refresh()
    await there.tenancy.refresh()
    expect([here.used(team.id), there.used(team.id)]).toEqual([0, 0])

    await change({ budgets: [] })
    await there.tenancy.refresh()
    expect([here.counters.size(), there.counters.size()]).toEqual([
      { counters: 0, waiting: 0 },
      { counters: 0, waiting: 0 },
    ])
    await database.close()
  })

  test('are followed as of the instant of the change, also by whoever hears of it in a later period', async () => {
    const database = await open()
    let now = Date.UTC(2026, 10, 2, 23, 59, 59, 900)
    const [here, there] = [await openInstance(database, () => now), await openInstance(database, () => now)]
    const budget = { maxLimit: '9', resetDuration: '1d', calendarAligned: true }
    const team = await here.tenancy.createTeam(operator, { name: 'ML', limits: { budgets: [budget] } })
    if (isFailure(team)) throw new Error(JSON.stringify(team))
    await there.tenancy.refresh()
    for (const instance of [here, there]) instance.charge(team.id, 5)

    const [first] = team.budgets
    now += 10
    await here.tenancy.updateTeam(operator, team.id, {
      limits: { budgets: [{ id: first?.id, resetDuration: '1M' }] },
    })
    now += 500
    await there.tenancy.refresh()
    // What the day had used is part of the month.
    expect([here.used(team.id), there.used(team.id)]).toEqual([5, 5])
    await database.close()
  })
})
