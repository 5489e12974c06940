import { join } from 'node:path'
import { isLong } from './form.ts'

const root = join(import.meta.dirname, '../..')
/** The command as it is installed. */
export const commandFile = join(root, 'bin/tollgate.js')
/** Where the short form has what it runs, in few files. */
const bundle = isLong ? '' : (process.env.TOLLGATE_TEST_BUNDLE ?? '')
/**
 * How Node runs the same, as it starts soonest: in the short form out of few files, and with a young heap that need not
 * grow first, which spares a sixth of a start.
 */
export const quickestCommand: readonly string[] = isLong
  ? [commandFile]
  : ['--min-semi-space-size=32', join(bundle, 'main.js')]
/** A process that serves the management API and nothing else. */
export const managementNodeFile = isLong
  ? join(root, 'test/contract/management-node.fixture.ts')
  : join(bundle, 'management-node.js')

/** What a process of the tests starts with: nothing of theirs but this. Compiled once, starts take half the time. */
export const bareEnvironment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  NODE_ENV: 'test',
  NODE_COMPILE_CACHE: isLong ? (process.env.NODE_COMPILE_CACHE ?? '') : join(bundle, 'compiled'),
}

/** `tollgate`, while it runs and afterwards. */
export interface RunningCommand {
  output(): string
  errors(): string
  /** The exit code, once it has ended. */
  readonly ended: Promise<number>
}

/** Runs `tollgate` in this process, which takes it a third of the time; in the short form only. */
export async function runHere(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  untilStopped: () => Promise<unknown>,
): Promise<RunningCommand> {
  const { runCommand }: typeof import('../../src/command.ts') = await import(join(bundle, 'command.js'))
  let [output, errors] = ['', '']
  const writeErrors = (text: string) => {
    errors += text
  }
  const ended = runCommand(args, {
    environment,
    writeOutput(text) {
      output += text
    },
    writeErrors,
    isTerminal: false,
    logDestination: { write: writeErrors, flushSync() {} },
    untilStopped,
  }).catch((error: Error) => {
    writeErrors(`${error.stack}\n`)
    return 1
  })
  return { output: () => output, errors: () => errors, ended }
}
