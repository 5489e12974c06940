/** Full counts, and nothing skips: set by `npm run test:long` and by CI. */
export const isLong = process.env.CI === 'true' || process.env.TOLLGATE_TEST_LONG === '1'
