import { expect, it } from 'vitest'
import { StoreUnavailable } from './errors.ts'
import { turnQueue } from './turns.ts'

it('lets one through at a time, in order', async () => {
  const turns = turnQueue(60_000)
  const order: number[] = []
  await turns.take()
  const others = [1, 2, 3].map((place) => turns.take().then(() => order.push(place)))
  for (const [index, other] of others.entries()) {
    expect(order).toHaveLength(index)
    turns.give()
    await other
  }
  expect(order).toEqual([1, 2, 3])
  turns.give()
  await turns.take()
})

it('gives up a wait that takes too long, and passes the turn to the next', async () => {
  const turns = turnQueue(20)
  await turns.take()
  await expect(turns.take()).rejects.toBeInstanceOf(StoreUnavailable)
  const next = turns.take()
  turns.give()
  await next
})
