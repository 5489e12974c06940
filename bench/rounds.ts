import { type Candidate, type CandidateName, isMissing, type Running, type TestBed } from './candidate.ts'
import { errorCount, type Load, type LoadFailure, type LoadResult, putLoad } from './load.ts'
import type { Scenario } from './scenarios.ts'

/** What the candidates did in one round. A candidate whose round was refused is absent. */
export type Round = Readonly<Partial<Record<CandidateName, LoadResult>>>

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
  const taking = [...lineup.running].filter(([{ name }]) => scenario.without?.includes(name) !== true)
  for (const [candidate, target] of taking) {
    const seconds = Math.min(2, candidate.warmUpSeconds / 6)
    if (seconds > 0)
      await putLoad(bed.processes, loadProgram, target, { ...scenario.load, warmSeconds: 0, seconds })
  }
  const score = openScore(bed, scenario)
  for (let number = 1; number <= scenario.rounds; number += 1) {
    score.beginRound()
    for (const [{ name }, target] of number % 2 === 1 ? taking : taking.toReversed()) {
      score.add(name, await putLoad(bed.processes, loadProgram, target, scenario.load))
    }
  }
  return score.measured
}

/** Measures what open streams cost each candidate in a process started for that, and stopped afterwards. */
export async function measureMemory(lineup: Lineup, scenario: Scenario): Promise<Measured> {
  const { bed, loadProgram } = lineup
  const score = openScore(bed, scenario)
  for (let number = 1; number <= scenario.rounds; number += 1) {
    score.beginRound()
    for (const candidate of lineup.running.keys()) {
      if (scenario.without?.includes(candidate.name) === true) continue
      const target = await candidate.start(bed)
      if (isMissing(target)) {
        score.add(candidate.name, { failed: target.missing })
        continue
      }
      await warmUp(lineup, target, 3)
      score.add(candidate.name, await putLoad(bed.processes, loadProgram, target, scenario.load))
      await target.program.stop()
    }
  }
  return score.measured
}

function openScore({ say }: TestBed, scenario: Scenario) {
  const rounds: Round[] = []
  const refused: string[] = []
  return {
    measured: { scenario, rounds, refused },
    beginRound: () => void rounds.push({}),
    /** Keeps a result, or refuses it aloud. */
    add(name: CandidateName, result: LoadResult | LoadFailure): void {
      const place = `${scenario.name} ${rounds.length}/${scenario.rounds} ${name}`
      const verdict = judge(result, scenario)
      if ('failed' in verdict) {
        refused.push(`round ${rounds.length}, ${name}: ${verdict.failed}`)
        say(`${place.padEnd(28)} REFUSED: ${verdict.failed}`)
        return
      }
      rounds[rounds.length - 1] = { ...rounds.at(-1), [name]: verdict }
      say(`${place.padEnd(28)} ${glance(verdict, scenario)}`)
    },
  }
}

function judge(result: LoadResult | LoadFailure, { load }: Scenario): LoadResult | LoadFailure {
  if ('failed' in result) return result
  if (errorCount(result) > 0) return { failed: `wrong answers ${JSON.stringify(result.errors)}` }
  const isShort = load.holds === true && result.openStreams < load.connections
  if (isShort) return { failed: `only ${result.openStreams} of ${load.connections} streams were open` }
  return load.holds !== true && result.completed === 0 ? { failed: 'no request was answered' } : result
}

function glance(result: LoadResult, { shows }: Scenario): string {
  if (shows === 'memory')
    return `${Math.round(result.rssKb.before / 1024)} -> ${Math.round(result.rssKb.peak / 1024)} MB`
  const cost = `${result.cpuMicrosPerRequest.toFixed(1).padStart(8)} µs CPU per request`
  return shows === 'cost'
    ? `${cost}, ${Math.round(result.requestsPerSecond)} per second`
    : `${cost}, p50 ${Math.round(result.latencyMicros.p50)} µs, p99 ${Math.round(result.latencyMicros.p99)} µs`
}
