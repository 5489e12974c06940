import { type Candidate, type CandidateName, isMissing, type Running, type TestBed } from './candidate.ts'
import { errorCount, type Load, type LoadResult, putLoad } from './load.ts'
import type { Scenario } from './scenarios.ts'

/** What the candidates did in one round. A candidate whose round was refused is absent. */
export type Round = Partial<Record<CandidateName, LoadResult>>

export interface Measured {
  readonly scenario: Scenario
  readonly rounds: readonly Round[]
  /** Why a round of a candidate does not count, one line each. */
  readonly refused: readonly string[]
}

export interface Lineup {
  readonly bed: TestBed
  readonly loadProgram: string
  readonly running: ReadonlyMap<Candidate, Running>
}

/**
 * Brings a candidate to its full speed: two thirds of the time on whole answers, one on streams.
 * A JavaScript gateway costs several times as much in its first seconds.
 */
export async function warmUp({ bed, loadProgram }: Lineup, target: Running, seconds: number): Promise<void> {
  if (seconds === 0) return
  const load: Load = { model: 'mock-json-1', connections: 64, warmSeconds: 0, seconds: (seconds * 2) / 3 }
  await putLoad(bed.processes, loadProgram, target, load)
  const streams: Load = { model: 'mock-sse-50', connections: 32, warmSeconds: 0, seconds: seconds / 3 }
  await putLoad(bed.processes, loadProgram, target, streams)
}

/**
 * Loads one candidate after the other, in rounds whose order turns around each time, so that a machine that slows
 * down or speeds up meanwhile favours none.
 */
export async function measure(lineup: Lineup, scenario: Scenario): Promise<Measured> {
  const { bed, loadProgram } = lineup
  const taking = [...lineup.running].filter(
    ([candidate]) => scenario.without?.includes(candidate.name) !== true,
  )
  const refused: string[] = []
  const rounds: Round[] = []
  for (const [candidate, target] of taking) {
    const seconds = Math.min(2, candidate.warmUpSeconds / 6)
    if (seconds > 0)
      await putLoad(bed.processes, loadProgram, target, { ...scenario.load, warmSeconds: 0, seconds })
  }
  for (let number = 1; number <= scenario.rounds; number += 1) {
    const round: Round = {}
    for (const [candidate, target] of number % 2 === 1 ? taking : taking.toReversed()) {
      const result = await putLoad(bed.processes, loadProgram, target, scenario.load)
      judge(lineup, scenario, number, candidate.name, result, round, refused)
    }
    rounds.push(round)
  }
  return { scenario, rounds, refused }
}

/** Measures what open streams cost each candidate in a process started for that, and stopped afterwards. */
export async function measureMemory(lineup: Lineup, scenario: Scenario): Promise<Measured> {
  const { bed, loadProgram } = lineup
  const refused: string[] = []
  const rounds: Round[] = []
  for (let number = 1; number <= scenario.rounds; number += 1) {
    const round: Round = {}
    for (const candidate of lineup.running.keys()) {
      if (scenario.without?.includes(candidate.name) === true) continue
      const target = await candidate.start(bed)
      if (isMissing(target)) {
        refused.push(`${candidate.name}: ${target.missing}`)
        continue
      }
      await warmUp(lineup, target, 3)
      const result = await putLoad(bed.processes, loadProgram, target, scenario.load)
      await target.program.stop()
      judge(lineup, scenario, number, candidate.name, result, round, refused)
    }
    rounds.push(round)
  }
  return { scenario, rounds, refused }
}

function judge(
  { bed }: Lineup,
  scenario: Scenario,
  number: number,
  name: CandidateName,
  result: LoadResult,
  round: Round,
  refused: string[],
): void {
  const reason = refusalOf(result, scenario)
  const place = `${scenario.name} ${number}/${scenario.rounds} ${name}`
  if (reason === null) {
    round[name] = result
    bed.say(`${place.padEnd(28)} ${glance(result, scenario)}`)
    return
  }
  refused.push(`round ${number}, ${name}: ${reason}`)
  bed.say(`${place.padEnd(28)} REFUSED: ${reason}`)
}

function refusalOf(result: LoadResult, { load }: Scenario): string | null {
  if (errorCount(result) > 0) return `wrong answers ${JSON.stringify(result.errors)}`
  if (load.holds === true) {
    return result.openStreams < load.connections
      ? `only ${result.openStreams} of ${load.connections} streams were open`
      : null
  }
  return result.completed === 0 ? 'no request was answered' : null
}

function glance(result: LoadResult, { shows }: Scenario): string {
  if (shows === 'memory')
    return `${Math.round(result.rssKb.before / 1024)} -> ${Math.round(result.rssKb.peak / 1024)} MB`
  const cost = `${result.cpuMicrosPerRequest.toFixed(1).padStart(8)} µs CPU per request`
  return shows === 'cost'
    ? `${cost}, ${Math.round(result.requestsPerSecond)} per second`
    : `${cost}, p50 ${Math.round(result.latencyMicros.p50)} µs, p99 ${Math.round(result.latencyMicros.p99)} µs`
}
