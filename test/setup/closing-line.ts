import type { Reporter, TestModule } from 'vitest/node'

/** Ends the run with one plain line of counts; in continuous integration a skipped test is a failure. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      if (module.state() === 'failed' && module.children.size === 0) counts.failed += 1
      for (const test of module.children.allTests()) counts[test.result().state] += 1
    }
    const skipped = counts.skipped + counts.pending
    if (skipped > 0) {
      process.exitCode = 1
      process.stdout.write('Nothing may be skipped here: install what the skipped tests name.\n')
    }
    const tail = skipped > 0 ? `, ${skipped} skipped` : ''
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${tail}\n`)
  }
}
