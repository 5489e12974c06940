import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type Candidate, isMissing, probe, type Running, type TestBed } from './candidate.ts'
import { direct, startMock } from './candidates/direct.ts'
import { nginx } from './candidates/nginx.ts'
import { portkey } from './candidates/portkey.ts'
import { tollgate } from './candidates/tollgate.ts'
import { machineFacts } from './machine.ts'
import { buildNative } from './native.ts'
import { openProcesses } from './processes.ts'
import { type Report, renderTables, saveReport } from './report.ts'
import { type Lineup, type Measured, measure, measureMemory, warmUp } from './rounds.ts'
import { quickened, type Scenario, scenarios } from './scenarios.ts'

const repository = join(import.meta.dirname, '..')
const workFolder = join(import.meta.dirname, '.work')
const candidates: readonly Candidate[] = [direct, nginx, tollgate, portkey]
const startedAt = Date.now()
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')))

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    skip: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})

process.exitCode = await run()

async function run(): Promise<number> {
  const chosen = chooseScenarios()
  if (chosen.length === 0)
    return fail(`There are these scenarios: ${scenarios.map(({ name }) => name).join(', ')}.`)
  if (!(Number(options.rounds ?? 1) >= 1)) return fail('--rounds takes a number from 1 on.')
  const native = buildNative(import.meta.dirname, workFolder)
  if (isMissing(native)) return fail(native.missing)
  const isPinned = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0
  if (!isPinned) say('taskset or a second core is missing: nothing is pinned, and the figures are rough')
  const processes = openProcesses(join(workFolder, 'logs'), isPinned)
  process.once('SIGINT', () => void processes.stopAll().then(() => process.exit(130)))
  try {
    const mock = await startMock(processes, native.mock)
    if (isMissing(mock)) return fail(mock.missing)
    const models = [...new Set(['mock-json-1', 'mock-sse-50', ...chosen.map(({ load }) => load.model)])]
    const bed: TestBed = { processes, mock, models, workFolder, repository, version, say }
    const lineup: Lineup = { bed, loadProgram: native.load, running: await startCandidates(bed) }
    if (chosen.some(({ shows }) => shows !== 'memory')) await warmUpAll(lineup)
    return publish(lineup, await measureAll(lineup, chosen))
  } finally {
    await processes.stopAll()
  }
}

function chooseScenarios(): Scenario[] {
  const only = options.only?.split(',')
  return scenarios
    .filter(({ name }) => only === undefined || only.includes(name))
    .map((scenario) => (options.quick ? quickened(scenario) : scenario))
    .map((scenario) => ({ ...scenario, rounds: Number(options.rounds ?? scenario.rounds) }))
}

async function startCandidates(bed: TestBed): Promise<Map<Candidate, Running>> {
  const running = new Map<Candidate, Running>()
  const skipped = options.skip?.split(',') ?? []
  for (const candidate of candidates.filter(({ name }) => !skipped.includes(name))) {
    const target = await candidate.start(bed)
    const paced = bed.models.filter((model) => !model.includes('1000ms'))
    const fault = isMissing(target) ? target.missing : await probe(target, paced)
    if (isMissing(target) || fault !== null) say(`WITHOUT ${candidate.name}: ${fault}`)
    else running.set(candidate, target)
  }
  return running
}

async function warmUpAll(lineup: Lineup): Promise<void> {
  for (const [{ name, warmUpSeconds }, target] of lineup.running) {
    const seconds = options.quick ? warmUpSeconds / 3 : warmUpSeconds
    if (seconds === 0) continue
    say(`warming up ${name}, ${Math.round(seconds)} s`)
    await warmUp(lineup, target, seconds)
  }
}

/** Memory comes last: it wants processes of its own, and the warm ones out of the way. */
async function measureAll(lineup: Lineup, chosen: readonly Scenario[]): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const scenario of chosen.filter(({ shows }) => shows !== 'memory'))
    measured.push(await measure(lineup, scenario))
  for (const scenario of chosen.filter(({ shows }) => shows === 'memory')) {
    for (const { program } of lineup.running.values())
      if (program !== lineup.bed.mock.program) await program.stop()
    measured.push(await measureMemory(lineup, scenario))
  }
  return measured
}

function publish({ bed, running }: Lineup, measured: readonly Measured[]): number {
  const report: Report = {
    version,
    date: new Date(startedAt).toISOString().slice(0, 10),
    machine: machineFacts(repository, bed.processes.isPinned),
    versions: Object.fromEntries([...running].map(([{ name }, { version }]) => [name, version])),
    measured,
  }
  const isWhole =
    running.has(tollgate) && !options.quick && options.only === undefined && options.rounds === undefined
  const page = saveReport(join(isWhole ? import.meta.dirname : workFolder, 'results'), report)
  console.log(`\n${renderTables(report)}\n\nWritten to ${page}`)
  const refused = measured.flatMap((each) => each.refused)
  if (refused.length === 0) return 0
  return fail(`${refused.length} rounds were refused. Their figures count nowhere.`)
}

function say(message: string): void {
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  console.log(`${String(seconds).padStart(4)} s  ${message}`)
}

function fail(message: string): number {
  console.error(message)
  return 1
}
