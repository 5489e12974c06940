import { defineConfig } from 'vitest/config'

/** Full counts, and nothing skips: set by `npm run test:long` and by CI. */
const long = process.env.CI === 'true' || process.env.TOLLGATE_TEST_LONG === '1'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/setup/postgres.ts'],
    pool: 'forks',
    // Most of a test's time is waiting: for a process to start, a beat, a clock that was moved.
    maxWorkers: 3,
    testTimeout: long ? 300_000 : 30_000,
    hookTimeout: 60_000,
    reporters: process.env.CI === 'true' ? ['dot', './test/setup/closing-line.ts'] : ['default'],
  },
})
