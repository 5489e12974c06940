import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { RequestId, WorkspaceId } from '../domain/ids.ts'
import { type AttemptId, type InstanceId, type KeyId, type NodeId, ulidSource } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Charge, Judged, PlanRow } from '../limits/plan.ts'
import type { Database } from '../store/database.ts'
import type { LimitGenerationTable } from '../store/governance-schema.ts'
import { type Drain, type DrainEvent, type DrainOptions, openDrain } from './drain.ts'
import type { Attempt, AttemptRecord, RefusalRecord, RefusedCall } from './fact-record.ts'
import { spoolFiles } from './files.ts'
import type { HoldRecord, SettlementRecord, UsageEvent } from './record.ts'
import { recover } from './recover.ts'
import type { SpoolMessage } from './segment.ts'
import { openSpool, type Spool, type SpoolOptions } from './spool.ts'

/** Records, spools and drains for the tests of this room. */

export const instance = '01JAAAAAAAAAAAAAAAAAAAAAAA' as InstanceId
export const noon = Date.UTC(2026, 5, 1, 12)
export const newUlid = ulidSource()

const dayStart = Date.UTC(2026, 5, 1)
export const dayEnd = Date.UTC(2026, 5, 2)

export function dayCharge(counter: string, whole: number, pico = 0): Charge {
  return { counter, generation: 0, startsAt: dayStart, endsAt: dayEnd, amount: { whole, pico } }
}

export function rollingCharge(counter: string, at: EpochMs, whole: number): Charge {
  return { counter, generation: 0, startsAt: at, endsAt: null, amount: { whole, pico: 0 } }
}

export function event(changes: Partial<UsageEvent> = {}): UsageEvent {
  return {
    workspaceId: 'default' as WorkspaceId,
    requestId: 'req_1' as RequestId,
    keyId: 'key_1' as KeyId,
    keyPrefix: 'sky_abc',
    nodeId: 'grp_1' as NodeId,
    externalId: null,
    model: 'demo/echo',
    provider: 'echo',
    upstreamModel: 'echo-1',
    usage: { input: 10, output: 5, cacheRead: 3, cacheWrite: 2, reasoning: 1 },
    cost: { whole: 7, pico: 8 },
    estimated: false,
    streamed: true,
    status: 200,
    latencyMs: 12.6,
    firstTokenMs: null,
    metadata: null,
    outcome: 'ok',
    upstreamStatus: 200,
    admittedMs: 1,
    firstByteMs: 9,
    ...changes,
  }
}

export function settlement(id: string, changes: Partial<SettlementRecord> = {}): SettlementRecord {
  const charges = [
    dayCharge('tokens', 15),
    dayCharge('dollars', 7, 900_001),
    rollingCharge('minute', noon, 1),
  ]
  return {
    record: 'settlement',
    id: id as AttemptId,
    at: noon,
    closesHold: false,
    charges,
    event: event(),
    ...changes,
  }
}

export function hold(id: string, whole: number, changes: Partial<PlanRow> = {}): HoldRecord {
  const row: PlanRow = {
    counter: 'strict',
    generation: 0,
    metric: 'token',
    ceiling: { whole: 1000, pico: 0 },
    window: { kind: 'calendar', unit: 'day' },
    unit: 'day',
    strict: true,
    refundsFailed: false,
    chargedAt: 'admission',
    subject: null,
    ...changes,
  }
  return {
    record: 'hold',
    id: id as AttemptId,
    at: noon,
    admittedAt: noon,
    holds: [{ row, amount: { whole, pico: 0 } }],
  }
}

export function attempt(id: string, changes: Partial<Attempt> = {}, at: EpochMs = noon): AttemptRecord {
  return {
    record: 'attempt',
    id: id as AttemptId,
    at,
    attempt: {
      workspaceId: 'default' as WorkspaceId,
      requestId: 'req_1' as RequestId,
      keyId: 'key_1' as KeyId,
      nodeId: 'grp_1' as NodeId,
      model: 'demo/echo',
      provider: 'echo',
      upstreamModel: 'echo-1',
      outcome: 'upstream',
      upstreamStatus: null,
      streamed: false,
      admittedMs: 1,
      firstByteMs: null,
      latencyMs: 120,
      ...changes,
    },
  }
}

/** A row that refused 1000 of 1000 tokens, and was about to for two minutes. */
export function judged(counter: string): Judged {
  return {
    row: {
      counter,
      generation: 0,
      metric: 'token',
      ceiling: { whole: 1000, pico: 0 },
      window: { kind: 'rolling', lengthMs: 60_000 },
      unit: 'minute',
      strict: false,
      refundsFailed: false,
      chargedAt: 'completion',
      subject: null,
    },
    used: { whole: 900, pico: 1 },
    held: { whole: 100, pico: 2 },
    needed: { whole: 1, pico: 3 },
    opensAt: noon + 120_000,
    onlyHeld: false,
  }
}

export function refusedCall(changes: Partial<RefusedCall> = {}): RefusedCall {
  return {
    workspaceId: 'default' as WorkspaceId,
    requestId: 'req_1' as RequestId,
    keyId: 'key_1' as KeyId,
    nodeId: 'grp_1' as NodeId,
    model: 'demo/echo',
    provider: 'echo',
    opensAt: noon + 120_000,
    onlyHeld: false,
    judged: [judged('minute')],
    ...changes,
  }
}

export function refusal(id: string, changes: Partial<RefusedCall> = {}, at: EpochMs = noon): RefusalRecord {
  return { record: 'refusal', id, at, refusal: refusedCall(changes) }
}

export interface SpoolPlace {
  readonly directory: string
  remove(): void
}

export function temporaryPlace(): SpoolPlace {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-spool-'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

/** Begins each test of a suite with the one database, emptied, and a folder that is removed after it. */
export function beginEachEmpty(
  open: () => Promise<Database>,
  begin: (database: Database, place: SpoolPlace) => void,
): void {
  let database: Database
  let place: SpoolPlace
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    await emptyTables(database)
    place = temporaryPlace()
    begin(database, place)
  })
  afterEach(() => place.remove())
}

/** A spool that a test closes by hand: nothing happens with time unless the options say so. */
export function testSpool(
  directory: string,
  tell: (message: SpoolMessage) => void,
  options: Partial<SpoolOptions> = {},
): Spool {
  return openSpool({
    directory,
    instance,
    thread: 0,
    durability: 'process',
    files: spoolFiles,
    clock: () => noon,
    notBefore: 0,
    monotonic: () => performance.now(),
    newUlid,
    tell,
    onProblem: () => {},
    limits: { segmentBytes: 2 ** 20, beatMs: 60_000, longestWaitMs: 60_000 },
    ...options,
  })
}

/** Puts records into one closed segment, and returns its message. */
export async function segmentOf(
  directory: string,
  records: readonly Parameters<Spool['append']>[0][],
  options: Partial<SpoolOptions> = {},
): Promise<SpoolMessage> {
  const told: SpoolMessage[] = []
  const spool = testSpool(directory, (message) => told.push(message), options)
  for (const record of records) spool.append(record, () => {})
  await spool.close()
  return told.find(({ closed }) => closed !== null) as SpoolMessage
}

export interface TestDrain extends Drain {
  readonly events: DrainEvent[]
}

export function testDrain(
  database: Database,
  directory: string,
  options: Partial<DrainOptions> = {},
): TestDrain {
  const events: DrainEvent[] = []
  const drain = openDrain({
    database,
    directory,
    instance,
    threads: 1,
    files: spoolFiles,
    onEvent: (event) => events.push(event),
    limits: { recordsPerTransaction: 500, watermarkMs: 60_000, firstRetryMs: 1, longestRetryMs: 5 },
    ...options,
  })
  return { ...drain, events }
}

/** Starts as a process does: stores what is left over, charges what was under way. */
export function recoverWith(drain: Drain, database: Database, directory: string, now: EpochMs = noon) {
  return recover({ database, directory, instance, drain, files: spoolFiles, now })
}

/** Faster than a new database. */
export async function emptyTables(database: Database): Promise<void> {
  await database.transaction(async (transaction) => {
    for (const table of ledgerTables) await transaction.deleteFrom(table).execute()
  })
}

const ledgerTables = [
  'rolling_charges',
  'usage_events',
  'rollups',
  'open_holds',
  'spool_progress',
  'instances',
  'workspaces',
  'attempts',
  'refusals',
  'refusal_counts',
  'usage_buckets',
  'key_uses',
  'limit_generations',
  'limit_adjustments',
] as const

/** Stores that a counter's window began anew, as management does. */
export function addGeneration(
  database: Database,
  counter: string,
  generation: number,
  row: Omit<LimitGenerationTable, 'counter' | 'generation'>,
): Promise<unknown> {
  return database.transaction((transaction) =>
    transaction
      .insertInto('limit_generations')
      .values({ counter, generation, ...row })
      .execute(),
  )
}

/** Stores charges to periods: what the drain has added up, or what an operator adjusted. */
export function addPeriods(
  database: Database,
  table: 'rollups' | 'limit_adjustments',
  charges: readonly Charge[],
): Promise<void> {
  return database.transaction(async (transaction) => {
    for (const { counter, generation, startsAt, endsAt, amount } of charges) {
      const period = { counter, generation, starts_at: startsAt, ends_at: endsAt ?? 0 }
      if (table === 'rollups') {
        const used = { used_whole: amount.whole, used_pico: amount.pico }
        await transaction
          .insertInto(table)
          .values({ ...period, ...used })
          .execute()
      } else {
        const adjusted = { amount_whole: amount.whole, amount_pico: amount.pico }
        const by = { id: newUlid(startsAt), at: startsAt, actor: 'test', revision: 1 }
        await transaction
          .insertInto(table)
          .values({ ...period, ...adjusted, ...by })
          .execute()
      }
    }
  })
}

/** Everything that the ledger keeps, in a form that can be compared. */
export async function tablesOf(database: Database) {
  const { read } = database
  const rollups = await read
    .selectFrom('rollups')
    .selectAll()
    .orderBy('counter')
    .orderBy('starts_at')
    .execute()
  const rolling = await read.selectFrom('rolling_charges').selectAll().orderBy('at').orderBy('id').execute()
  const events = await read.selectFrom('usage_events').selectAll().orderBy('id').execute()
  const holds = await read.selectFrom('open_holds').selectAll().orderBy('id').execute()
  const progress = await read.selectFrom('spool_progress').selectAll().execute()
  return {
    rollups: Object.fromEntries(
      rollups.map((row) => [`${row.counter} ${row.starts_at}`, [row.used_whole, row.used_pico]]),
    ),
    rolling: rolling.flatMap((row) => JSON.parse(row.charges)),
    eventIds: events.map((row) => row.id),
    events,
    holds: holds.map((row) => row.id),
    progress,
  }
}

/** Everything that views read, in a form that can be compared. */
export async function factsOf({ read }: Database) {
  const [attempts, refusals, refusalCounts, buckets, keyUses] = await Promise.all([
    read.selectFrom('attempts').selectAll().orderBy('id').execute(),
    read.selectFrom('refusals').selectAll().orderBy('id').execute(),
    read
      .selectFrom('refusal_counts')
      .selectAll()
      .orderBy('starts_at')
      .orderBy('key_id')
      .orderBy('counter')
      .execute(),
    read.selectFrom('usage_buckets').selectAll().execute(),
    read.selectFrom('key_uses').selectAll().orderBy('key_id').execute(),
  ])
  return { attempts, refusals, refusalCounts, buckets, keyUses }
}
