import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { exitCodes } from '../cli/program.ts'
import { findMasterKey, makeMasterKey, masterKeyFile } from '../config/master-key.ts'
import type { Settings } from '../config/settings.ts'
import { isFailure } from '../domain/failure.ts'
import type { InstanceId } from '../domain/ids.ts'
import { keptInstanceId } from '../ledger/instance-id.ts'
import { repeat } from '../ledger/rounds.ts'
import { type MemoryCounters, openMemoryCounters } from '../limits/memory.ts'
import { parseDatabaseUrl } from '../store/open.ts'
import { followLimits } from '../tenancy/governance/limits/limit-changes.ts'
import { openTenancy, type Tenancy } from '../tenancy/tenancy.ts'
import { type Background, openBackground } from './background-thread.ts'
import type { Basics } from './basics.ts'
import { takeDataDirectory } from './data-directory.ts'
import { wrongMasterKey } from './maintain.ts'
import { messageOf, Refused } from './refused.ts'

/** What outlives a process, and the memory of it: facts, counters, and the thread that writes. */
export interface Stores {
  readonly instance: InstanceId
  readonly background: Background
  readonly counters: MemoryCounters
  readonly tenancy: Tenancy
  readonly masterKey: string
}

const refreshEveryMs = 1000
const sweepCountersEveryMs = 1000

/**
 * Takes the data directory, opens the database, makes good for a process that died, and loads what counters and
 * tenancy keep in memory. Throws `Refused` for what an operator has to mend.
 */
export async function openStores(settings: Settings, basics: Basics): Promise<Stores> {
  const { clock, newUlid, log, onError, closers } = basics
  const lock = takeDataDirectory(settings.dataDirectory)
  closers.push(lock.release)
  const instance = keptInstanceId(settings.dataDirectory, () => newUlid(clock()))
  const keptMasterKey = findMasterKey(settings.masterKey, settings.dataDirectory)

  const counters = openMemoryCounters()
  const background = await openBackground(
    {
      database: locationOf(settings),
      dataDirectory: settings.dataDirectory,
      instance,
      testClockFile: settings.testClockFile,
      retireAfterMs: settings.ledger.retireAfterMs,
      eventsKeptMs: settings.ledger.eventRetentionMs,
      auditKeptMs: settings.ledger.auditRetentionMs,
      deliveriesKeptMs: settings.ledger.deliveryRetentionMs,
      deadLettersKeptMs: settings.ledger.deadLetterRetentionMs,
      attemptsKeptMs: settings.ledger.attemptRetentionMs,
      refusalsKeptMs: settings.ledger.refusalRetentionMs,
      bucketsKeptMs: settings.ledger.bucketRetentionMs,
    },
    log,
    (charges) => counters.load(charges),
  )
  if ('refused' in background) {
    throw new Refused(background.refused, background.mayPass ? exitCodes.refused : exitCodes.configuration)
  }
  closers.push(() => background.close())
  closers.push(repeat(sweepCountersEveryMs, async () => counters.sweep(clock()), onError).close)

  const masterKey = keptMasterKey ?? makeMasterKey(settings.dataDirectory)
  const tenancy = await openTenancy({
    database: background.database,
    clock,
    newUlid,
    random: randomBytes,
    masterKey,
    webhookSecretOverlapMs: settings.frontier.webhooks.secretOverlapMs,
    variable: settings.variable,
    onCountersGone: (names) => counters.forget(names),
    counters,
    onLimitsChanged: (changes) => followLimits(counters, changes),
    onBrokenRule: (rule) =>
      log.warn(rule, 'this routing rule matches nothing: its condition does not compile'),
  })
  if (isFailure(tenancy)) {
    if (keptMasterKey === null) rmSync(masterKeyFile(settings.dataDirectory))
    throw new Refused(wrongMasterKey(settings))
  }
  if (keptMasterKey === null) {
    log.warn(
      { file: masterKeyFile(settings.dataDirectory) },
      'made a master key: without it, secrets and keys in the database are lost',
    )
  }
  closers.push(repeat(refreshEveryMs, tenancy.refresh, onError).close)
  return { instance, background, counters, tenancy, masterKey }
}

function locationOf(settings: Settings) {
  const location = parseDatabaseUrl(settings.databaseUrl)
  if (isFailure(location)) throw new Refused(`database.url: ${messageOf(location)}`)
  if (location.kind === 'sqlite') mkdirSync(dirname(location.path), { recursive: true, mode: 0o700 })
  return location
}
