import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import type { Failure } from '../domain/failure.ts'
import { type AttemptId, type InstanceId, ulidSource } from '../domain/ids.ts'
import { type SpoolFiles, spoolFiles } from './files.ts'
import { frameEnd, frameText } from './frame.ts'
import type { LedgerRecord } from './record.ts'
import type { SpoolMessage } from './segment.ts'
import { openSpool, type SpoolOptions } from './spool.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollgate-spool-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const instance = '01JAAAAAAAAAAAAAAAAAAAAAAA' as InstanceId

function settlement(number: number, at = 1000): LedgerRecord {
  return {
    record: 'settlement',
    id: `a${number}` as AttemptId,
    at,
    closesHold: false,
    charges: [],
    event: null,
  }
}

function open(options: Partial<SpoolOptions> = {}) {
  const told: SpoolMessage[] = []
  const problems: (string | null)[] = []
  const spool = openSpool({
    directory,
    instance,
    thread: 0,
    durability: 'process',
    files: spoolFiles,
    clock: () => 1000,
    notBefore: 0,
    monotonic: () => performance.now(),
    newUlid: ulidSource(),
    tell: (message) => told.push(message),
    onProblem: (problem) => problems.push(problem),
    limits: { segmentBytes: 8 * 2 ** 20, beatMs: 60_000, longestWaitMs: 60_000 },
    ...options,
  })
  return { ...spool, told, problems, closed: () => told.flatMap(({ closed }) => closed ?? []) }
}

/** Ids of the whole records in the files, oldest segment first. */
function idsInFiles(bytesOf: (name: string) => number = () => Number.POSITIVE_INFINITY): string[] {
  return readdirSync(directory)
    .sort()
    .flatMap((name) => idsIn(readFileSync(join(directory, name)).subarray(0, bytesOf(name))))
}

function idsIn(bytes: Buffer): string[] {
  const ids: string[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = frameEnd(bytes, start)
    if (typeof end !== 'number') return [...ids, end]
    ids.push(JSON.parse(frameText(bytes, start, end))[1])
    start = end
  }
  return ids
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `a${index}`)
}

describe('a turn', () => {
  test('goes out in one write, and who waits is called in order with everything in the file', async () => {
    const write = vi.fn(spoolFiles.write)
    const spool = open({ files: { ...spoolFiles, write } })
    const seen: string[][] = []
    for (let number = 0; number < 3; number++) {
      spool.append(settlement(number), (failure) => seen.push([String(failure), ...idsInFiles()]))
    }
    expect(seen).toEqual([])
    await nextTurn()
    expect(seen).toEqual(Array(3).fill(['null', 'a0', 'a1', 'a2']))
    expect(write).toHaveBeenCalledTimes(1)
    await spool.close()
  })

  test('does not take in what is appended by those it calls', async () => {
    const spool = open()
    const calls: string[] = []
    spool.append(settlement(0), () => {
      spool.append(settlement(2), () => calls.push(`2 with ${idsInFiles()}`))
      calls.push(`0 with ${idsInFiles()}`)
    })
    spool.append(settlement(1), () => calls.push(`1 with ${idsInFiles()}`))
    await nextTurn()
    await nextTurn()
    expect(calls).toEqual(['0 with a0,a1', '1 with a0,a1', '2 with a0,a1,a2'])
    await spool.close()
  })

  test('calls the others although one of them throws', async () => {
    const spool = open()
    const surfaced = new Promise((resolve) => process.once('uncaughtException', resolve))
    const second = new Promise((resolve) => {
      spool.append(settlement(0), () => {
        throw new Error('a bug in a caller')
      })
      spool.append(settlement(1), resolve)
    })
    expect(await second).toBeNull()
    expect(await surfaced).toMatchObject({ message: 'a bug in a caller' })
    await spool.close()
  })
})

describe('segments', () => {
  test('are named for instance, thread and age, close when full, and are handed over in order', async () => {
    const spool = open({ thread: 3, limits: { segmentBytes: 100, beatMs: 60_000, longestWaitMs: 60_000 } })
    for (let number = 0; number < 7; number++) {
      spool.append(settlement(number, 1000 + number), () => {})
      await nextTurn()
    }
    await spool.close()
    const closed = spool.closed()
    expect(closed.map(({ name }) => name)).toEqual(readdirSync(directory).sort())
    expect(closed.map(({ oldestAt }) => oldestAt)).toEqual([1000, 1003, 1006])
    for (const { name, bytes } of closed) {
      expect(name).toMatch(new RegExp(`^${instance}-3-[0-9A-Z]{26}$`))
      expect(readFileSync(join(directory, name)).length).toBe(bytes)
    }
    expect(idsInFiles()).toEqual(numbers(7))
  })

  test('close with the beat, and none is made while nothing comes', async () => {
    const spool = open({ limits: { segmentBytes: 2 ** 20, beatMs: 5, longestWaitMs: 60_000 } })
    await vi.waitFor(() => expect(spool.told.length).toBeGreaterThan(2))
    expect(readdirSync(directory)).toEqual([])
    spool.append(settlement(0), () => {})
    await vi.waitFor(() => expect(spool.closed().length).toBe(1))
    await spool.close()
    expect(spool.closed().length).toBe(1)
  })

  test('what is told to be complete is never joined by an older record', async () => {
    let now = 1000
    const spool = open({
      clock: () => now,
      limits: { segmentBytes: 2 ** 20, beatMs: 5, longestWaitMs: 60_000 },
    })
    const beat = () => {
      const beats = spool.told.length
      return vi.waitFor(() => expect(spool.told.length).toBeGreaterThan(beats + 1))
    }
    await beat()
    expect(spool.told.at(-1)?.completeBefore).toBe(1000)
    now = 2000
    await beat()
    spool.append(settlement(0, 1500), () => {})
    await vi.waitFor(() => expect(spool.closed().length).toBe(1))
    expect(spool.closed()[0]?.oldestAt).toBe(2000)
    await spool.close()
  })
})

test('no record is dated before what an earlier process called complete', async () => {
  const spool = open({ clock: () => 1000, notBefore: 5000 })
  spool.append(settlement(0, 1000), () => {})
  await spool.close()
  expect(spool.closed()[0]?.oldestAt).toBe(5000)
  expect(spool.told.at(-1)?.completeBefore).toBe(5000)
})

/** Files that fail when told to; a write that fails may take some bytes first. */
function brokenFiles(): SpoolFiles & {
  nextWrites: (number | 'ok')[]
  brokenSyncs: number
  cutFails: boolean
} {
  const fail = (code: string) => Object.assign(new Error(code), { code })
  const files = {
    ...spoolFiles,
    nextWrites: [] as (number | 'ok')[],
    brokenSyncs: 0,
    cutFails: false,
    write(file: number, buffer: Buffer, start: number, bytes: number, position: number) {
      const fate = files.nextWrites.shift() ?? 'ok'
      if (fate === 'ok') return spoolFiles.write(file, buffer, start, bytes, position)
      if (fate === 0) throw fail('ENOSPC')
      files.nextWrites.unshift(0)
      return spoolFiles.write(file, buffer, start, Math.min(fate, bytes), position)
    },
    truncate(file: number, bytes: number) {
      if (files.cutFails) throw fail('EIO')
      spoolFiles.truncate(file, bytes)
    },
    async sync(file: number) {
      if (files.brokenSyncs-- > 0) throw fail('EIO')
      await spoolFiles.sync(file)
    },
  }
  return files
}

describe('a file that cannot be written', () => {
  const limits = { segmentBytes: 2 ** 20, beatMs: 5, longestWaitMs: 60_000 }

  test('keeps what is whole, cuts what is torn, and writes the rest later in the same order', async () => {
    const files = brokenFiles()
    const spool = open({ files, limits })
    const order: number[] = []
    files.nextWrites = [100, 0, 0]
    for (let number = 0; number < 5; number++) spool.append(settlement(number), () => order.push(number))
    await nextTurn()
    expect(order).toEqual([0, 1])
    expect(spool.isWritable()).toBe(false)
    expect(spool.unwrittenBytes()).toBeGreaterThan(0)
    expect(idsInFiles()).toEqual(['a0', 'a1'])
    spool.append(settlement(5), () => order.push(5))
    await vi.waitFor(() => expect(spool.isWritable()).toBe(true))
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
    expect(spool.problems).toEqual(['ENOSPC', null])
    expect(await spool.close()).toBe(0)
    expect(idsInFiles()).toEqual(numbers(6))
  })

  test('writes nothing behind a torn record that cannot be cut off', async () => {
    const files = brokenFiles()
    const spool = open({ files, limits })
    files.nextWrites = [60]
    files.cutFails = true
    for (let number = 0; number < 3; number++) spool.append(settlement(number), () => {})
    const beats = spool.told.length
    await vi.waitFor(() => expect(spool.told.length).toBeGreaterThan(beats + 3))
    expect(spool.isWritable()).toBe(false)
    expect(idsInFiles()).toEqual(['a0', 'torn'])
    files.cutFails = false
    await vi.waitFor(() => expect(spool.isWritable()).toBe(true))
    await spool.close()
    expect(idsInFiles()).toEqual(numbers(3))
  })

  test('tells who waited too isLong, and keeps the record', async () => {
    const files = brokenFiles()
    const spool = open({ files, limits: { ...limits, longestWaitMs: 20 } })
    files.nextWrites = Array(1000).fill(0)
    const failures: (Failure | null)[] = []
    spool.append(settlement(0), (failure) => failures.push(failure))
    await vi.waitFor(() => expect(failures.length).toBe(1))
    expect(failures[0]).toMatchObject({ failure: 'overloaded', reason: 'spool' })
    files.nextWrites = []
    await vi.waitFor(() => expect(spool.isWritable()).toBe(true))
    await spool.close()
    expect(failures.length).toBe(1)
    expect(idsInFiles()).toEqual(['a0'])
  })

  test('says at the end how many records are lost with the process', async () => {
    const files = brokenFiles()
    const spool = open({ files, limits })
    files.nextWrites = Array(1000).fill(0)
    spool.append(settlement(0), () => {})
    spool.append(settlement(1), () => {})
    expect(await spool.close()).toBe(2)
    expect(readdirSync(directory)).toEqual([])
  })

  /** Runs the spool in a process whose files may have only so many KiB; returns what it says until it ends. */
  async function limitedProcess(fileKib: number, onStopped: (pid: number) => void): Promise<string> {
    const program = fileURLToPath(new URL('./spool.fixture.ts', import.meta.url))
    const command = `ulimit -S -f ${fileKib}; exec "${process.execPath}" "${program}" "${directory}"`
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (chunk) => {
      if (out === '') onStopped(child.pid ?? 0)
      out += chunk
    })
    const [code] = await once(child, 'close')
    return `${out}exit ${code}`
  }

  test('stops a process whose files may not grow from nothing but answering, and goes on when they may', async () => {
    const lift = (pid: number) => spawn('bash', ['-c', `prlimit --pid ${pid} --fsize=unlimited`])
    expect(await limitedProcess(0, lift)).toBe('stopped EFBIG\ngoing on\nclosed 0\nexit 0')
    expect(idsInFiles()).toEqual(numbers(200))
  })

  test('goes on in a new segment where one may not grow any more', async () => {
    expect(await limitedProcess(4, () => {})).toMatch(
      /^stopped EFBIG\n(stopped EFBIG\n|going on\n)*closed 0\nexit 0$/,
    )
    expect(readdirSync(directory).length).toBeGreaterThan(2)
    expect(idsInFiles()).toEqual(numbers(200))
  })
})

describe('strict durability', () => {
  const durability = 'strict'

  test('calls who waits only after the sync, and gathers the turns that come meanwhile', async () => {
    const syncs: (() => void)[] = []
    const sync = () => new Promise<void>((resolve) => syncs.push(resolve))
    const spool = open({ durability, files: { ...spoolFiles, sync } })
    const called: number[] = []
    const append = (number: number) => spool.append(settlement(number), () => called.push(number))
    append(0)
    await nextTurn()
    append(1)
    await nextTurn()
    append(2)
    await nextTurn()
    expect(called).toEqual([])
    expect(syncs.length).toBe(1)
    syncs[0]?.()
    await vi.waitFor(() => expect(syncs.length).toBe(2))
    expect(called).toEqual([0])
    syncs[1]?.()
    await vi.waitFor(() => expect(called).toEqual([0, 1, 2]))
    await spool.close()
    expect(idsInFiles()).toEqual(numbers(3))
  })

  test('brings the name of a new segment to the disk as well', async () => {
    const syncDirectory = vi.fn(spoolFiles.syncDirectory)
    const spool = open({ durability, files: { ...spoolFiles, syncDirectory } })
    for (let number = 0; number < 3; number++) {
      await new Promise((resolve) => spool.append(settlement(number), resolve))
    }
    await spool.close()
    expect(syncDirectory).toHaveBeenCalledTimes(1)
    expect(idsInFiles()).toEqual(numbers(3))
  })

  test('waits at the end for the syncs of all that was appended', async () => {
    const spool = open({ durability })
    const called: number[] = []
    for (let number = 0; number < 3; number++) {
      spool.append(settlement(number), () => called.push(number))
      if (number < 2) await nextTurn()
    }
    expect(await spool.close()).toBe(0)
    expect(called).toEqual([0, 1, 2])
    expect(spool.closed().map(({ name }) => name)).toEqual(readdirSync(directory))
    expect(idsInFiles()).toEqual(numbers(3))
  })

  test('writes once more what a failed sync left in doubt, and leaves it nowhere twice', async () => {
    const files = brokenFiles()
    const limits = { segmentBytes: 2 ** 20, beatMs: 5, longestWaitMs: 60_000 }
    const spool = open({ durability, files, limits })
    const called: number[] = []
    await new Promise((resolve) => spool.append(settlement(0), resolve))
    files.brokenSyncs = 2
    spool.append(settlement(1), () => called.push(1))
    await nextTurn()
    spool.append(settlement(2), () => called.push(2))
    await vi.waitFor(() => expect(spool.isWritable()).toBe(false))
    await vi.waitFor(() => expect(called).toEqual([1, 2]))
    await spool.close()
    expect(idsInFiles()).toEqual(numbers(3))
    expect(spool.problems).toEqual(['EIO', null])
  })
})

test('whatever fails: every record is in the closed segments once, in order, and every waiter is called once', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
    fc.record({ kind: fc.constant('break' as const), bytes: fc.integer({ min: 0, max: 200 }) }),
    fc.record({ kind: fc.constant('breakSync' as const) }),
    fc.record({ kind: fc.constant('wait' as const) }),
  )
  const durability = fc.constantFrom('process' as const, 'strict' as const)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), durability, async (steps, durability) => {
      rmSync(directory, { recursive: true, force: true })
      const files = brokenFiles()
      const limits = { segmentBytes: 300, beatMs: 1, longestWaitMs: 60_000 }
      const spool = open({ durability, files, limits })
      const called: number[] = []
      let count = 0
      for (const step of steps) {
        if (step.kind === 'append') {
          const number = count++
          spool.append(settlement(number), () => called.push(number))
        } else if (step.kind === 'break') files.nextWrites.push('ok', step.bytes)
        else if (step.kind === 'breakSync') files.brokenSyncs = 1
        else if (step.kind === 'turn') await nextTurn()
        else await new Promise((resolve) => setTimeout(resolve, 2))
      }
      files.nextWrites = []
      files.brokenSyncs = 0
      while ((await vi.waitFor(() => spool.isWritable() || Promise.reject())) && spool.unwrittenBytes() > 0) {
        await nextTurn()
      }
      expect(await spool.close()).toBe(0)
      const handedOver = new Map(spool.closed().map(({ name, bytes }) => [name, bytes]))
      expect(idsInFiles((name) => handedOver.get(name) ?? 0)).toEqual(numbers(count))
      expect(idsInFiles()).toEqual(numbers(count))
      expect(called).toEqual(Array.from({ length: count }, (_, index) => index))
    }),
    { numRuns: isLong ? 1000 : 60 },
  )
})
