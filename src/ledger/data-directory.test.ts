import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockDataDirectory } from './data-lock.ts'
import { keptInstanceId } from './instance-id.ts'
import { newUlid, type SpoolPlace, temporaryPlace } from './ledger.fixture.ts'

let place: SpoolPlace
beforeEach(() => {
  place = temporaryPlace()
})
afterEach(() => place.remove())

test('a data directory is one holder’s at a time', () => {
  const lock = lockDataDirectory(place.directory)
  expect(lock).not.toBeNull()
  expect(lockDataDirectory(place.directory)).toBeNull()
  lock?.release()
  const next = lockDataDirectory(place.directory)
  expect(next).not.toBeNull()
  next?.release()
})

test('a killed process leaves no lock behind', async () => {
  const holder = fileURLToPath(new URL('./data-lock.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [holder, place.directory])
  await once(child.stdout, 'data')
  expect(lockDataDirectory(place.directory)).toBeNull()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = lockDataDirectory(place.directory)
  expect(lock).not.toBeNull()
  lock?.release()
})

test('a directory that cannot be written is told as what it is', () => {
  expect(() => lockDataDirectory(join(place.directory, 'missing'))).toThrow()
})

test('the instance of a data directory stays the same', () => {
  const id = keptInstanceId(place.directory, () => newUlid(1))
  expect(keptInstanceId(place.directory, () => newUlid(2))).toBe(id)
  expect(statSync(join(place.directory, 'instance-id')).mode & 0o777).toBe(0o600)
})

test('a damaged instance id is replaced', () => {
  writeFileSync(join(place.directory, 'instance-id'), '../../x\n')
  const id = keptInstanceId(place.directory, () => newUlid(1))
  expect(readFileSync(join(place.directory, 'instance-id'), 'utf8')).toBe(`${id}\n`)
})
