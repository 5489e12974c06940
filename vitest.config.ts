import { defineConfig } from 'vitest/config'
import { isLong } from './test/setup/form.ts'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/setup/postgres.ts', 'test/setup/bundle.ts'],
    setupFiles: ['test/setup/each-file.ts'],
    pool: 'forks',
    // Heaps that need not grow first, nor shrink: a fifth less work.
    execArgv: ['--min-semi-space-size=32', '--initial-old-space-size=1024', '--no-memory-reducer'],
    // In the short form, what files import is read once a worker.
    isolate: isLong,
    // Most of a test's time is waiting: for a process to start, a beat, a clock that was moved.
    maxWorkers: 4,
    // Some tests start processes by the dozen, which takes long on a busy machine.
    testTimeout: isLong ? 300_000 : 60_000,
    hookTimeout: 60_000,
    // Longer than anything but a fault takes: what is polled for comes late on a busy machine, and is no less right.
    expect: { poll: { timeout: 20_000 } },
    reporters: process.env.CI === 'true' ? ['dot', './test/setup/closing-line.ts'] : ['default'],
  },
})
