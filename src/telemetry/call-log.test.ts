import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type CallLine, openCallLog } from './call-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const line: CallLine = {
  id: 'call-1',
  key: 'sky_prefix',
  model: 'aurora/lumen',
  status: 200,
  elapsedMs: 12.34,
  inputTokens: 3,
  outputTokens: 5,
}
const at = Date.UTC(2026, 10, 3, 12)

function openRecorded() {
  const writes: string[] = []
  const calls = openCallLog(
    (lines) => void writes.push(lines),
    () => at,
  )
  const parsed = () =>
    writes
      .join('')
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text))
  return { ...calls, writes, parsed }
}

test('a call has one line, in the form of the other log lines', () => {
  const { log, flush, parsed } = openRecorded()
  log(line)
  log({ ...line, id: 'call-2', key: null, model: '', status: 401, inputTokens: null, outputTokens: null })
  log({ ...line, id: 'call-3' })
  flush()
  const common = { level: 'info', time: '2026-11-03T12:00:00.000Z', ms: 12.3 }
  const tokens = { input: 3, output: 5 }
  expect(parsed()).toEqual([
    { ...common, id: 'call-1', key: 'sky_prefix', model: 'aurora/lumen', status: 200, ...tokens },
    { ...common, id: 'call-2', status: 401 },
    { ...common, id: 'call-3', key: 'sky_prefix', model: 'aurora/lumen', status: 200, ...tokens },
  ])
})

test('lines wait for others, and not for long', () => {
  const { log, writes } = openRecorded()
  log(line)
  log(line)
  expect(writes).toEqual([])
  vi.advanceTimersByTime(50)
  expect(writes.length).toBe(1)
  vi.advanceTimersByTime(1000)
  expect(writes.length).toBe(1)
})

test('many lines are written in batches, each line whole and in order', () => {
  const { log, flush, writes, parsed } = openRecorded()
  for (let call = 0; call < 2000; call++) log({ ...line, id: `call-${call}` })
  flush()
  expect(writes.length).toBeGreaterThan(5)
  expect(writes.length).toBeLessThan(50)
  expect(writes.every((text) => text.endsWith('\n'))).toBe(true)
  expect(parsed().map(({ id }) => id)).toEqual(Array.from({ length: 2000 }, (_, call) => `call-${call}`))
})

test('a name of any characters and any length neither breaks its line nor cuts off another', () => {
  const { log, flush, parsed } = openRecorded()
  const names = ['\n"\\', '\u0000'.repeat(100_000), 'é🙂'.repeat(1000), '\ud800', 'x'.repeat(256)]
  for (let round = 0; round < 50; round++)
    for (const name of names) log({ ...line, key: name.slice(0, 10), model: name })
  flush()
  expect(parsed().length).toBe(50 * names.length)
  for (const [index, { key, model }] of parsed().entries()) {
    const name = names[index % names.length]
    expect([key, model]).toEqual([name?.slice(0, 10), name?.slice(0, 255)])
  }
})
