import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from '../machine.ts'

/** One measured value and what it must not exceed. */
export interface Finding {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** Null where it is only shown. */
  readonly bound: number | null
  readonly isKept: boolean | null
}

export interface ScaleReport {
  /** Day of the run, `2026-11-21`. */
  readonly date: string
  readonly machine: Machine
  readonly size: { readonly groups: number; readonly keys: number; readonly many: number }
  readonly findings: readonly Finding[]
}

export function bound(name: string, value: number, limit: number | null, unit: string): Finding {
  return { name, value, unit, bound: limit, isKept: limit === null ? null : value <= limit }
}

/** Markdown that can be read on a terminal too. */
export function table(findings: readonly Finding[]): string {
  const rows = findings.map(({ name, value, unit, bound, isKept }) => [
    name,
    `${format(value)} ${unit}`,
    bound === null ? '' : `${format(bound)} ${unit}`,
    isKept === null ? '' : isKept ? 'kept' : '**missed**',
  ])
  const all = [['', 'measured', 'bound', ''], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(all[0] ?? []), rule, ...rows.map(line)].join('\n')
}

/** Writes the figures and a page that shows them. Returns the page's path. */
export function saveFindings(folder: string, report: ScaleReport): string {
  const { date, machine, size, findings } = report
  writeFileSync(join(folder, `scale-${date}.json`), `${JSON.stringify(report, null, 2)}\n`)
  const page = join(folder, 'scale.md')
  writeFileSync(
    page,
    `# ${size.groups.toLocaleString('en-US')} groups and ${size.keys.toLocaleString('en-US')} keys, ${date}

${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, Linux ${machine.kernel}, Node ${machine.node}, commit
${machine.commit}. SQLite. Three groups at the bottom of a tree call, with all of their keys, unless more are named.

${table(findings)}
`,
  )
  return page
}

function format(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 })
}
