import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** Without these a figure says nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  readonly commit: string
  /** Whether the gateway had a core of its own. */
  readonly isPinned: boolean
}

export function machineFacts(repository: string, isPinned: boolean): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    commit: commitOf(repository),
    isPinned,
  }
}

function commitOf(repository: string): string {
  const git = (...values: string[]) =>
    execFileSync('git', values, { cwd: repository, encoding: 'utf8' }).trim()
  try {
    return (
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '--', 'src') === '' ? '' : ' with changes')
    )
  } catch {
    return 'unknown'
  }
}
