import { expect, test } from 'vitest'
import { openFailedLogins } from './failed-logins.ts'

test('five failures within a minute close a name at an address, until the first of them is a minute old', () => {
  const failed = openFailedLogins()
  for (let at = 0; at < 5; at++) {
    expect(failed.judge('ops', '10.0.0.1', at * 1000)).toBeNull()
    failed.note('ops', '10.0.0.1', at * 1000)
  }
  expect(failed.judge('ops', '10.0.0.1', 5000)).toMatchObject({
    failure: 'limited',
    limit: { opensAt: 60_000, retryAfterMs: 55_000 },
  })
  expect(failed.judge('ops', '10.0.0.2', 5000)).toBeNull()
  expect(failed.judge('sre', '10.0.0.1', 5000)).toBeNull()
  expect(failed.judge('ops', '10.0.0.1', 59_999)).not.toBeNull()
  expect(failed.judge('ops', '10.0.0.1', 60_000)).toBeNull()
  failed.note('ops', '10.0.0.1', 60_000)
  expect(failed.judge('ops', '10.0.0.1', 60_000)).not.toBeNull()
})

test('who failed longest ago is forgotten first', () => {
  const failed = openFailedLogins()
  for (let at = 0; at < 5; at++) failed.note('first', 'a', 0)
  for (let name = 0; name < 10_000; name++) failed.note(`name ${name}`, 'a', 1)
  expect(failed.judge('first', 'a', 2)).toBeNull()
})
