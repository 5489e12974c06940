import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where the two programs are that must cost less than what they measure. */
export interface Native {
  readonly mock: string
  readonly load: string
}

/** Compiles the mock upstream and the load generator. Returns what to tell the user where that cannot be done. */
export function buildNative(benchFolder: string, workFolder: string): Native | { readonly missing: string } {
  mkdirSync(workFolder, { recursive: true })
  const native = { mock: join(workFolder, 'mock-upstream'), load: join(workFolder, 'load') }
  const fault =
    compile(native.mock, [join(benchFolder, 'mock/mock-upstream.c')]) ??
    compile(
      native.load,
      ['load.c', 'answer.c', 'processes.c'].map((file) => join(benchFolder, 'load', file)),
    )
  return fault === null ? native : { missing: fault }
}

function compile(program: string, sources: readonly string[]): string | null {
  const { status, stderr } = spawnSync('gcc', ['-O2', '-Wall', '-o', program, ...sources, '-lm'], {
    encoding: 'utf8',
  })
  if (status === 0) return null
  if (status !== null) return `gcc could not compile ${program}:\n${stderr}`
  return 'gcc is missing. The upstream and the load generator are in C, because in JavaScript they would be the bottleneck.'
}
