import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CandidateName } from './candidate.ts'
import { difference, type Measure, ratio, type Spread, spread } from './figures.ts'
import type { Machine } from './machine.ts'
import type { Measured, Round } from './rounds.ts'
import type { Scenario } from './scenarios.ts'

export interface Report {
  readonly version: string
  /** Day of the run, `2026-11-21`. */
  readonly date: string
  readonly machine: Machine
  readonly versions: Partial<Record<CandidateName, string>>
  readonly measured: readonly Measured[]
}

interface Column {
  readonly title: string
  readonly cell: (rounds: readonly Round[], name: CandidateName) => string
}

const cpu: Measure = (result) => result.cpuMicrosPerRequest
const p50: Measure = ({ latencyMicros }) => latencyMicros.p50
const p99: Measure = ({ latencyMicros }) => latencyMicros.p99
const firstByte: Measure = ({ firstByteMicros }) => firstByteMicros.p50
const kbPerStream: Measure = ({ rssKb, openStreams }) => (rssKb.peak - rssKb.before) / openStreams

const cost: Column[] = [
  { title: 'CPU µs/request', cell: (rounds, name) => full(spread(rounds, name, cpu), 1) },
  { title: 'x nginx', cell: (rounds, name) => full(ratio(rounds, name, 'nginx', cpu), 2) },
  { title: 'Portkey costs x', cell: (rounds, name) => middle(ratio(rounds, 'portkey', name, cpu), 1) },
]
const latency: Column[] = [
  { title: 'p50 µs', cell: (rounds, name) => middle(spread(rounds, name, p50)) },
  { title: 'p99 µs', cell: (rounds, name) => middle(spread(rounds, name, p99)) },
  { title: 'added p50 µs', cell: (rounds, name) => full(difference(rounds, name, 'direct', p50)) },
  { title: 'added p99 µs', cell: (rounds, name) => full(difference(rounds, name, 'direct', p99)) },
]

const columns: Readonly<Record<Scenario['shows'], readonly Column[]>> = {
  cost: [
    ...cost,
    {
      title: 'requests/s',
      cell: (rounds, name) => middle(spread(rounds, name, (result) => result.requestsPerSecond)),
    },
    {
      title: 'user CPU %',
      cell: (rounds, name) => middle(spread(rounds, name, (result) => result.userShare * 100)),
    },
  ],
  latency: [...cost, ...latency],
  streams: [
    ...cost,
    { title: 'first byte p50 µs', cell: (rounds, name) => middle(spread(rounds, name, firstByte)) },
    {
      title: 'added first byte µs',
      cell: (rounds, name) => full(difference(rounds, name, 'direct', firstByte)),
    },
    ...latency.slice(2),
  ],
  memory: [
    {
      title: 'MB before',
      cell: (rounds, name) => middle(spread(rounds, name, ({ rssKb }) => rssKb.before / 1024)),
    },
    {
      title: 'MB with all streams',
      cell: (rounds, name) => middle(spread(rounds, name, ({ rssKb }) => rssKb.peak / 1024)),
    },
    { title: 'KB per stream', cell: (rounds, name) => middle(spread(rounds, name, kbPerStream), 1) },
    { title: 'x nginx', cell: (rounds, name) => middle(ratio(rounds, name, 'nginx', kbPerStream), 2) },
  ],
}

/** The tables, as markdown that can be read on a terminal too. */
export function renderTables({ measured, versions }: Report): string {
  const names = Object.keys(versions) as CandidateName[]
  return measured.map((each) => tableOf(each, names)).join('\n\n')
}

/** Writes the raw figures and a page that shows them. Returns the page's path. */
export function saveReport(folder: string, report: Report): string {
  const versionFolder = join(folder, report.version)
  mkdirSync(versionFolder, { recursive: true })
  writeFileSync(join(versionFolder, `${report.date}.json`), `${JSON.stringify(report, null, 2)}\n`)
  const page = join(versionFolder, 'README.md')
  writeFileSync(page, pageOf(report))
  return page
}

function pageOf(report: Report): string {
  const { machine, versions } = report
  const peers = Object.entries(versions).filter(([name]) => name !== 'direct')
  return `# Tollgate ${report.version}, measured on ${report.date}

${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, Linux ${machine.kernel}, Node ${machine.node}, commit
${machine.commit}. ${peers.map(([name, version]) => `${name} ${version}`).join(', ')}. ${
    machine.isPinned
      ? 'The gateway alone on core 0, upstream and load generator on core 1.'
      : 'Not pinned: gateway, upstream and load generator shared the cores.'
  }

Medians over the rounds, in brackets the least and the most. Ratios and differences are taken round by round.
The same figures, round by round: [${report.date}.json](${report.date}.json).
What the columns mean: [how to read this](../../README.md).

${renderTables(report)}
`
}

function tableOf({ scenario, rounds, refused }: Measured, names: readonly CandidateName[]): string {
  const shown = names.filter((name) => scenario.without?.includes(name) !== true)
  const header = ['', ...columns[scenario.shows].map(({ title }) => title), 'rounds']
  const rows = shown.map((name) => {
    const counted = rounds.filter((round) => round[name] !== undefined).length
    return [
      name,
      ...columns[scenario.shows].map(({ cell }) => cell(rounds, name)),
      `${counted} of ${rounds.length}`,
    ]
  })
  const lines = [`## ${scenario.title}`, '', table([header, ...rows])]
  if (refused.length > 0) lines.push('', ...refused.map((line) => `**Refused:** ${line}`))
  return lines.join('\n')
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => aligned(cell, column, widths[column])).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join('\n')
}

function aligned(cell: string, column: number, width = 0): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}

function middle(values: Spread | null, digits = 0): string {
  return values === null ? '-' : format(values.median, digits)
}

function full(values: Spread | null, digits = 0): string {
  if (values === null) return '-'
  return `${format(values.median, digits)} (${format(values.min, digits)}..${format(values.max, digits)})`
}

function format(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
