import './engine.ts'
import { exitCodes } from './cli/program.ts'
import { runCommand } from './command.ts'

/** Under npm, ctrl-C arrives twice: from the terminal, and passed on by npm. */
const oneInterruptMs = 500

// What is made here, database and spool above all, is its owner's to read.
process.umask(0o077)
// A file size limit is a full disk to us: the failed write says so, and the signal must not end the process.
process.on('SIGXFSZ', () => {})

let first: { readonly signal: NodeJS.Signals; readonly atMs: number } | null = null

process.exitCode = await runCommand(process.argv.slice(2), {
  environment: process.env,
  writeOutput: (text) => void process.stdout.write(text),
  writeErrors: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
  untilStopped,
})
// A process that ends for want of work lets go of its signals first: npm's copy of a ctrl-C would kill what has ended well.
if (first !== null) process.exit()

/** Resolves at the first signal to stop; a later one ends the process at once. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      const atMs = performance.now()
      if (first === null) {
        first = { signal, atMs }
        resolve()
        return
      }
      const isEcho = signal === 'SIGINT' && first.signal === signal && atMs - first.atMs < oneInterruptMs
      if (!isEcho) process.exit(exitCodes.refused)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
