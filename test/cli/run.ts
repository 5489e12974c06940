import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { bareEnvironment, quickestCommand, runHere } from '../setup/command.ts'
import { isLong } from '../setup/form.ts'

export interface Ran {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

const limitMs = 60_000

/** Runs a program to its end, with nothing of this process's environment but the path. */
export async function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    env: { ...bareEnvironment, ...environment },
  })
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, output, errors }
}

/** A line for a shell that runs `tollgate` so, with these arguments. */
export function commandLine(args: readonly string[]): string {
  return [process.execPath, ...quickestCommand, ...args].map((word) => `'${word}'`).join(' ')
}

/** Runs `tollgate` with these arguments: in the short form in this process, else in one of its own. */
export async function tollgate(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  if (isLong) return tollgateProcess(args, environment)
  const surroundings = { ...bareEnvironment, ...environment }
  const { output, errors, ended } = await runHere(args, surroundings, async () => {})
  return { code: await ended, output: output(), errors: errors() }
}

/** Runs `tollgate` in a process of its own, on the Node that runs the tests. */
export function tollgateProcess(
  args: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<Ran> {
  return run(process.execPath, [...quickestCommand, ...args], environment)
}

/** Runs lines as they are pasted into a shell, and stops at the first that fails. */
export function paste(lines: string, environment?: Record<string, string>): Promise<Ran> {
  return run('bash', ['-euo', 'pipefail', '-c', lines], environment)
}
