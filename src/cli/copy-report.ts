import type { TableCount } from '../store/copy.ts'

/** A table of counts on both sides, and the tables where they differ. */
export function reportCopy(counts: readonly TableCount[]): { text: string; differing: readonly string[] } {
  const widest = Math.max('table'.length, ...counts.map(({ table }) => table.length))
  const line = (table: string, source: string, target: string) =>
    `${table.padEnd(widest)}  ${source.padStart(12)}  ${target.padStart(12)}`
  return {
    text: [
      line('table', 'here', 'there'),
      ...counts.map(({ table, source, target }) => line(table, String(source), String(target))),
    ].join('\n'),
    differing: counts.filter(({ source, target }) => source !== target).map(({ table }) => table),
  }
}

const barCells = 30

/** One line of progress, to be written over the last one. */
export function drawProgress(table: string, copied: number, total: number): string {
  const filled = total === 0 ? barCells : Math.round((copied / total) * barCells)
  return `\r\u001b[K${'█'.repeat(filled).padEnd(barCells, '░')} ${table} ${copied}/${total}`
}
